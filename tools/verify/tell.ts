/** Says in words, for a person, what a check has found. */
import type { AnsweringPool } from '../../shared/audit/answering-pool.ts'
import type { ChainProblem, ChainReport } from '../../shared/audit/check-chain.ts'
import type { ReceiptClaims } from '../../shared/receipt/receipt.ts'
import type { Result } from '../../shared/result.ts'
import type { CheckedLog } from './audit.ts'
import type { VerifiedReceipt } from './receipt.ts'

export interface Told {
  readonly holds: boolean
  readonly lines: readonly string[]
}

const PROBLEMS: Readonly<Record<ChainProblem, string>> = {
  misplaced: 'another entry stands in its place: something was taken out, put in or moved',
  changed: 'it was changed, or something before it was',
  beginning_missing: 'it is missing, and nothing signed says that it was deleted in time',
  end_missing: 'it is missing: a signature speaks of it',
  rewritten: 'a signature speaks of another entry: the chain was written anew',
  unsigned: 'no signature speaks of it',
}

export function tellReceipt(verified: Result<VerifiedReceipt, string>): Told {
  if (!verified.ok) return { holds: false, lines: [`NOT VERIFIED: ${verified.error}.`] }
  const { claims, kid, isAnswerChecked } = verified.value
  const first = isAnswerChecked
    ? 'VERIFIED: the receipt is genuine, and it is of this answer.'
    : 'VERIFIED: the receipt is genuine. (The answer was not compared: --answer FILE.)'
  return { holds: true, lines: [first, ...rows({ ...rowsOf(claims), 'signed under': kid })] }
}

export function tellAudit(checked: Result<CheckedLog, string>): Told {
  if (!checked.ok) return { holds: false, lines: [`NOT VERIFIED: ${checked.error}.`] }
  const { tenant, issuer, signedAt, chains } = checked.value
  const broken = chains.filter(({ report }) => !report.ok).length
  const first =
    broken === 0
      ? `VERIFIED: the audit log of ${tenant} at ${issuer} is whole, as signed at ${signedAt}.`
      : `NOT VERIFIED: ${broken} of ${chains.length} chains of the audit log of ${tenant} do not hold.`
  return {
    holds: broken === 0,
    lines: [first, ...chains.map(({ chain, report }) => `  ${printable(chain)}: ${tellChain(report)}`)],
  }
}

/** Of a chain that nobody signed for the name is anybody's text: it must not steer the terminal. */
function printable(name: string): string {
  return name.replaceAll(/[^ -~]/g, '?')
}

function tellChain(report: ChainReport): string {
  if (!report.ok) return `BROKEN at entry ${report.seq}: ${PROBLEMS[report.problem]}`
  const { range, deleted } = report
  const kept = range === undefined ? 'no entries' : `entries ${range.first} to ${range.last}`
  return deleted === 0 ? kept : `${kept}; the first ${deleted} were deleted when their time was over`
}

function rowsOf(claims: ReceiptClaims): Readonly<Record<string, string | undefined>> {
  const { cached } = claims
  return {
    request: claims.request_id,
    tenant: claims.tenant,
    issuer: claims.iss,
    audience: claims.aud,
    signed: new Date(claims.iat * 1000).toISOString(),
    model: `${claims.model} (${claims.model_version})`,
    'made by': claims.pools.map(placeOf).join(', then '),
    cache:
      cached === undefined ? claims.cache : `${claims.cache}; from ${placeOf(cached)}, ${cached.made_at}`,
    outcome: claims.outcome,
    rules: claims.rules.length === 0 ? 'none' : claims.rules.join(', '),
    restricted: claims.restricted ? 'yes' : 'no',
    'data centre': claims.colo,
    config: claims.config,
    'asked (keyed digest)': claims.request_digest,
    'said (salted digest)': claims.answer_digest,
    'said from event': claims.answer_from?.toString(),
  }
}

function placeOf({ pool, region, jurisdiction }: AnsweringPool): string {
  return `${pool} (${region ?? 'region unknown'}, ${jurisdiction ?? 'jurisdiction unknown'})`
}

function rows(named: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`  ${name.padEnd(20)} ${value}`],
  )
}
