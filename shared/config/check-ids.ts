/** Finds names that mean two things: ids, a model's versions, a tenant's keys, data centres, models of a pool. */
import type { Draft } from './draft.ts'
import { quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

interface Named {
  /** What must not occur twice. */
  readonly name: string
  /** Where this one stands. */
  readonly path: string
  /** What to call it as the place of the first; `path` if it is that already. */
  readonly owner?: string
}

export function checkIds({ regions, pools, models, tenants, rules }: Draft): ConfigProblem[] {
  return [
    ...repeated(idsOf(regions.entries)),
    ...repeated(colosOf(regions.entries), 'list a data centre once, in one region'),
    ...repeated(idsOf(pools.entries)),
    ...pools.entries.flatMap(({ value, path }) =>
      repeated(
        value.models.map((served, index) => ({
          name: `${served.model} ${served.version ?? ''}`.trimEnd(),
          path: `${path}.models[${index}]`,
        })),
        'list each model and version once',
      ),
    ),
    ...repeated(idsOf(models.entries)),
    ...differingOnlyInCase(idsOf(models.entries)),
    ...models.entries.flatMap(({ value, path }) => repeated(innerIds(value.versions, `${path}.versions`))),
    ...repeated(idsOf(tenants.entries)),
    ...tenants.entries.flatMap(({ value, path }) => repeated(innerIds(value.keys, `${path}.keys`))),
    ...repeated(idsOf(rules.entries)),
  ]
}

function idsOf(
  entries: readonly { readonly value: { readonly id: string }; readonly path: string }[],
): Named[] {
  return entries.map(({ value, path }) => ({ name: value.id, path: `${path}.id`, owner: path }))
}

function innerIds(members: readonly { readonly id: string }[], list: string): Named[] {
  return members.map(({ id }, index) => ({
    name: id,
    path: `${list}[${index}].id`,
    owner: `${list}[${index}]`,
  }))
}

function colosOf(regions: Draft['regions']['entries']): Named[] {
  return regions.flatMap(({ value, path }) =>
    value.colos.map((colo, index) => ({ name: colo, path: `${path}.colos[${index}]`, owner: path })),
  )
}

function repeated(names: readonly Named[], expected = 'give each its own'): ConfigProblem[] {
  const first = new Map<string, Named>()
  return names.flatMap((named) => {
    const earlier = first.get(named.name)
    if (earlier === undefined) first.set(named.name, named)
    return earlier === undefined
      ? []
      : [
          {
            path: named.path,
            found: `${quote(named.name)} is already in ${earlier.owner ?? earlier.path}`,
            expected,
          },
        ]
  })
}

/** Clients write model names by hand: two that differ only in case would be mistaken for each other. */
function differingOnlyInCase(names: readonly Named[]): ConfigProblem[] {
  const first = new Map<string, Named>()
  return names.flatMap((named) => {
    const folded = named.name.toLowerCase()
    const earlier = first.get(folded)
    if (earlier === undefined) first.set(folded, named)
    return earlier === undefined || earlier.name === named.name
      ? []
      : [
          {
            path: named.path,
            found: `${quote(named.name)} differs from ${earlier.owner ?? earlier.path} only in case`,
            expected: 'give each its own',
          },
        ]
  })
}
