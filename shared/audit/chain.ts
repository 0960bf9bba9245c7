/**
 * Chains of entries, each bound to all that came before it: what is changed, taken out, put in or moved breaks the chain
 * from there on. What is missing at its end, or was written anew as a whole, shows only against a head that was signed.
 *
 *     hash(0) = SHA-256(UTF-8("warmpath/audit/v1\n" ‖ chain))
 *     hash(n) = SHA-256(hash(n − 1) ‖ UTF-8(canonical JSON of entry n without its member "hash"))
 *
 * Canonical JSON is RFC 8785, as everywhere here; hashes are written in base64url. Entries have their chain and number in
 * them, so that none is good in another place. (Crosby and Wallach, Efficient Data Structures for Tamper-Evident Logging,
 * USENIX Security 2009, on hash chains and trees: a tree would prove one entry without the others, at the price of
 * a structure that no auditor can check by hand.)
 */
import { base64Url, concatBytes, fromBase64Url } from '../fingerprint/bytes.ts'
import { canonicalize } from '../fingerprint/canonicalize.ts'
import type { Digests } from '../fingerprint/fingerprint.ts'
import type { AuditEntry, AuditFacts } from './entry.ts'

/** Where a chain stands: its last entry, or what it begins with (number 0). */
export interface ChainHead {
  readonly chain: string
  readonly seq: number
  readonly hash: string
}

/** An entry as somebody hands it over. Members that this version does not know count like all others. */
export interface ChainLink extends ChainHead {
  readonly [member: string]: unknown
}

export type ChainBreak =
  /** Another number, or another chain's entry, stands in the place of this one. */
  | 'misplaced'
  /** Not what its hash was made of; or not after this one before it. */
  | 'changed'

export type ChainCheck =
  | { readonly ok: true; readonly head: ChainHead }
  /** `seq`: the first number at which the chain is not whole. */
  | { readonly ok: false; readonly seq: number; readonly problem: ChainBreak }

/** The head of a chain that has no entries. `chain`: its name, unique among all that one key signs for. */
export async function beginChain(chain: string, digests: Digests): Promise<ChainHead> {
  const hash = await digests.sha256(digests.utf8(`warmpath/audit/v1\n${chain}`))
  return { chain, seq: 0, hash: base64Url(hash) }
}

/** Entries for the facts, in their order, and the head they lead to. */
export async function append(
  head: ChainHead,
  facts: readonly AuditFacts[],
  digests: Digests,
): Promise<{ readonly head: ChainHead; readonly entries: readonly AuditEntry[] }> {
  const { chain } = head
  const entries: AuditEntry[] = []
  let { seq, hash } = head
  for (const each of facts) {
    seq += 1
    const entry = { ...each, chain, seq }
    hash = await hashAfter(hash, entry, digests)
    entries.push({ ...entry, hash })
  }
  return { head: { chain, seq, hash }, entries }
}

/** Whether the entries, in this order, are what follows `from`. */
export async function verifyChain(
  entries: readonly ChainLink[],
  from: ChainHead,
  digests: Digests,
): Promise<ChainCheck> {
  const { chain } = from
  let { seq, hash } = from
  for (const entry of entries) {
    seq += 1
    if (entry.chain !== chain || entry.seq !== seq) return { ok: false, seq, problem: 'misplaced' }
    const { hash: stated, ...rest } = entry
    hash = await hashAfter(hash, rest, digests)
    if (stated !== hash) return { ok: false, seq, problem: 'changed' }
  }
  return { ok: true, head: { chain, seq, hash } }
}

/** `before` is a hash of ours, or one that a signed head states. */
async function hashAfter(before: string, entry: object, digests: Digests): Promise<string> {
  const previous = fromBase64Url(before) ?? new Uint8Array()
  const bytes = concatBytes([previous, digests.utf8(canonicalize(entry))])
  return base64Url(await digests.sha256(bytes))
}
