/** Whether entries of one chain are all that signed heads say there is, and nothing else. */
import type { Digests } from '../fingerprint/fingerprint.ts'
import { beginChain, verifyChain, type ChainBreak, type ChainLink } from './chain.ts'
import type { KeptChain } from './signed-heads.ts'

export type ChainProblem =
  | ChainBreak
  /** What comes before is not there, and no signed head says that it need not be. */
  | 'beginning_missing'
  /** A signed head speaks of entries after the last one. */
  | 'end_missing'
  /** A signed head knows another entry in this place: the chain was written anew. */
  | 'rewritten'
  /** No signed head speaks of it. */
  | 'unsigned'

export type ChainReport =
  | {
      readonly ok: true
      /** Numbers of the first and the last entry; undefined where there are none. */
      readonly range?: { readonly first: number; readonly last: number }
      /** Entries that were deleted when their time was over, before the first. */
      readonly deleted: number
    }
  | { readonly ok: false; readonly seq: number; readonly problem: ChainProblem }

/**
 * @param entries of this chain, in the order handed over
 * @param heads of this chain, whose signatures hold; of any time, but at least one
 */
export async function checkChain(
  chain: string,
  entries: readonly ChainLink[],
  heads: readonly KeptChain[],
  digests: Digests,
): Promise<ChainReport> {
  const genesis = await beginChain(chain, digests)
  const [first] = entries
  const bases = heads.map(({ base }) => base).toSorted((a, b) => a.seq - b.seq)
  const newestBase = bases.at(-1) ?? genesis
  // Either everything is there, or what a signed head says was deleted is not.
  const startSeq = first === undefined ? newestBase.seq : first.seq - 1
  const place = startSeq === 0 ? genesis : bases.find(({ seq }) => seq === startSeq)
  if (place === undefined) {
    return { ok: false, seq: Math.min(startSeq, newestBase.seq + 1), problem: 'beginning_missing' }
  }
  const start = { chain, seq: place.seq, hash: place.hash }
  const checked = await verifyChain(entries, start, digests)
  if (!checked.ok) return checked

  const known = new Map([start, ...entries].map(({ seq, hash }) => [seq, hash]))
  const { seq: last } = checked.head
  for (const { seq, hash } of [...heads, ...bases].toSorted((a, b) => a.seq - b.seq)) {
    if (seq > last) return { ok: false, seq: last + 1, problem: 'end_missing' }
    // Of what is older than what is kept nothing can be said any more.
    if (seq >= start.seq && known.get(seq) !== hash) return { ok: false, seq, problem: 'rewritten' }
  }
  const signedTo = Math.max(0, ...heads.map(({ seq }) => seq))
  if (last > signedTo) return { ok: false, seq: signedTo + 1, problem: 'unsigned' }
  return {
    ok: true,
    deleted: start.seq,
    ...(first === undefined ? {} : { range: { first: first.seq, last } }),
  }
}
