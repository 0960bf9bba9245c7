/** Checks prices, limits and budgets: that money is exact, that a budget has an amount, and that somebody can count. */
import { hasMillionths } from '../ledger/money.ts'
import { termsOf, type ConfiguredTerms } from '../ledger/terms.ts'
import { tenantHome } from '../residency/tenant-home.ts'
import type { Pool, Tenant } from '../schema/mesh.ts'
import type { Draft, Entry } from './draft.ts'
import type { MeshMode } from './mode.ts'
import type { ConfigProblem } from './problem.ts'

export function checkMoney(draft: Draft, mode: MeshMode): ConfigProblem[] {
  return [
    ...draft.pools.entries.flatMap(inexactPrices),
    ...draft.tenants.entries.flatMap(({ value, path }) => [
      ...budgetProblems(value, path),
      ...value.keys.flatMap((key, index) => budgetProblems(key, `${path}.keys[${index}] ("${key.id}")`)),
    ]),
    ...draft.tenants.entries.flatMap((tenant) => uncounted(tenant, draft, mode)),
  ]
}

function inexactPrices({ value: { price }, path }: Entry<Pool>): ConfigProblem[] {
  return (['prompt', 'cached_prompt', 'completion'] as const).flatMap((key) =>
    inexact(`${path}.price.${key}`, price[key]),
  )
}

function budgetProblems({ budget }: ConfiguredTerms, path: string): ConfigProblem[] {
  if (budget === undefined) return []
  if (budget.dollars === undefined && budget.tokens === undefined) {
    return [
      {
        path: `${path}.budget`,
        found: 'it has no amount',
        expected: 'give it dollars or tokens, or remove it',
      },
    ]
  }
  return inexact(`${path}.budget.dollars`, budget.dollars ?? 0)
}

function inexact(path: string, value: number): ConfigProblem[] {
  if (hasMillionths(value)) return []
  return [{ path, found: `${value} has more than six decimals`, expected: 'round it to six' }]
}

/** One file may serve several sites: of a tenant of another site nothing is counted here, and nothing is served. */
function uncounted({ value, path }: Entry<Tenant>, { config }: Draft, mode: MeshMode): ConfigProblem[] {
  const isLimited = [value, ...value.keys].some((each) => termsOf(each) !== undefined)
  if (!isLimited || config === undefined || mode.kind === 'single') return []
  if (tenantHome(value, config, mode) !== undefined) return []
  return [
    {
      path,
      found: 'it has limits, and nothing can be stored where its floor is, so that nobody can count',
      expected: 'remove its limits and budgets, or widen its floor',
    },
  ]
}
