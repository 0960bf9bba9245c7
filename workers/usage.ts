/** What a tenant has used: reads the question, asks the tenant's ledger, and writes the answer. */
import { z } from 'zod'
import type { GatewayError } from '../shared/errors.ts'
import { dayOf } from '../shared/ledger/period.ts'
import { termsOf } from '../shared/ledger/terms.ts'
import type { UsageCounts } from '../shared/ledger/usage.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { tenantHome } from '../shared/residency/tenant-home.ts'
import type { Tenant } from '../shared/schema/mesh.ts'
import type { Edge } from './edge.ts'
import {
  USAGE_GROUPS,
  type UsageGroup,
  type UsageQuery,
  type UsageReport,
  type UsageRow,
} from './objects/ledger-rpc.ts'
import { within } from './within.ts'

const LEDGER_WITHIN_MS = 3000
const DAY = z.iso.date()
const GROUP = z.enum(USAGE_GROUPS)

/** Reads `from`, `to` and `group_by`; without them, this month by day. Fails with `invalid_parameter`. */
export function readUsageQuery(
  query: (name: string) => string | undefined,
  nowMs: number,
): Result<Omit<UsageQuery, 'key'>, GatewayError> {
  const today = dayOf(nowMs)
  const from = query('from') ?? `${today.slice(0, 7)}-01`
  const to = query('to') ?? today
  for (const [param, value] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (!DAY.safeParse(value).success) {
      return err({ reason: 'invalid_parameter', param, expected: 'a day such as 2026-11-24' })
    }
  }
  const groupBy = z
    .array(GROUP)
    .max(USAGE_GROUPS.length)
    .safeParse(wordsOf(query('group_by') ?? 'day'))
  if (!groupBy.success) {
    const expected = `some of ${USAGE_GROUPS.join(', ')}, with commas between`
    return err({ reason: 'invalid_parameter', param: 'group_by', expected })
  }
  return ok({ from, to, groupBy: USAGE_GROUPS.filter((group) => groupBy.data.includes(group)) })
}

/** Fails with `storage_not_available`, or `limits_unavailable` where the ledger does not answer. */
export async function askUsage(
  tenant: Tenant,
  query: UsageQuery,
  { mesh, keys, stubs }: Pick<Edge, 'mesh' | 'keys' | 'stubs'>,
): Promise<Result<UsageReport, GatewayError>> {
  const home = tenantHome(tenant, mesh.config, mesh.mode)
  if (home === undefined) return err({ reason: 'storage_not_available' })
  try {
    const { objectName } = await keys.of(tenant.id)
    const asked: Promise<UsageReport> = stubs.tenantLedger(home, objectName).usage(query)
    const report = await within(asked, LEDGER_WITHIN_MS)
    return report === undefined ? err({ reason: 'limits_unavailable' }) : ok(report)
  } catch {
    return err({ reason: 'limits_unavailable' })
  }
}

/** As JSON; `of` is whose: the tenant, or one of its keys. */
export function usageBody(of: Tenant | Tenant['keys'][number], query: UsageQuery, report: UsageReport) {
  const budget = termsOf(of)?.budget
  return {
    object: 'usage',
    from: query.from,
    to: query.to,
    group_by: query.groupBy,
    data: report.rows.map(rowOf),
    is_cut: report.isCut,
    total: countsOf(report.total),
    unsettled: { microdollars: report.unsettled.microdollars, tokens: report.unsettled.tokens },
    ...(budget === undefined
      ? {}
      : { budget: { period: budget.period, microdollars: budget.microdollars, tokens: budget.tokens } }),
    spent: report.spent,
  }
}

function rowOf(row: UsageRow) {
  const names: Partial<Record<UsageGroup, string>> = {}
  for (const group of USAGE_GROUPS) {
    const name = row[group]
    if (name !== undefined) names[group] = name
  }
  return { ...names, ...countsOf(row) }
}

function countsOf(counts: UsageCounts) {
  return {
    requests: counts.requests,
    prompt_tokens: counts.promptTokens,
    cached_tokens: counts.cachedTokens,
    completion_tokens: counts.completionTokens,
    cost_microdollars: counts.microdollars,
    saved_microdollars: {
      hits: counts.savedHit,
      coalescing: counts.savedCoalesced,
      prefix: counts.savedPrefix,
    },
  }
}

function wordsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((word) => word.trim())
}
