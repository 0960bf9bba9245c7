/** Checks an exported audit log without the mesh: that it is whole, unchanged, and all that was signed for. */
import type { JSONWebKeySet } from 'jose'
import { checkChain, type ChainReport } from '../../shared/audit/check-chain.ts'
import { parseExport } from '../../shared/audit/export-lines.ts'
import { AUDIT_HEADS_TYPE, auditHeads, type AuditHeads } from '../../shared/audit/signed-heads.ts'
import type { Digests } from '../../shared/fingerprint/fingerprint.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { openSigned } from './signed.ts'

export interface AuditQuestion {
  /** The export. */
  readonly text: string
  readonly keys: JSONWebKeySet
  /** Earlier exports, or their first lines: what was signed then must still hold. */
  readonly earlier?: readonly string[]
}

export interface CheckedLog {
  readonly tenant: string
  readonly issuer: string
  /** When the newest of the signatures was made. */
  readonly signedAt: string
  readonly chains: readonly { readonly chain: string; readonly report: ChainReport }[]
}

/** Fails with a sentence where chains cannot be looked at; what is wrong with one of them is in its report. */
export async function verifyAudit(
  question: AuditQuestion,
  digests: Digests,
): Promise<Result<CheckedLog, string>> {
  const { text, keys, earlier = [] } = question
  const parsed = parseExport(text)
  if (!parsed.ok) return err(`line ${parsed.error.line} is not as it was exported`)
  const { entries } = parsed.value
  const signed = [...parsed.value.heads]
  for (const [index, each] of earlier.entries()) {
    const heads = parseExport(each)
    if (!heads.ok)
      return err(`line ${heads.error.line} of earlier export ${index + 1} is not as it was exported`)
    signed.push(...heads.value.heads)
  }
  const statements: AuditHeads[] = []
  for (const jws of signed) {
    const opened = await openSigned(jws, { type: AUDIT_HEADS_TYPE, schema: auditHeads }, keys)
    if (!opened.ok) return err(`of what is signed: ${opened.error}`)
    statements.push(opened.value.claims)
  }
  const newest = statements.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1)
  if (newest === undefined) return err('nothing in it is signed')
  const { tenant, iss: issuer } = newest
  if (statements.some((each) => each.tenant !== tenant || each.iss !== issuer)) {
    return err('what is signed is of several tenants or meshes')
  }

  const heads = statements.flatMap(({ chains }) => chains)
  const names = new Set([...heads, ...entries].map(({ chain }) => chain))
  const chains = await Promise.all(
    [...names].toSorted().map(async (chain) => ({
      chain,
      report: await checkChain(
        chain,
        entries.filter((entry) => entry.chain === chain),
        heads.filter((head) => head.chain === chain),
        digests,
      ),
    })),
  )
  return ok({ tenant, issuer, signedAt: newest.at, chains })
}
