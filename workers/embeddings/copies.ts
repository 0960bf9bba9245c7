/**
 * Copies of vectors in KV, where every data centre has them near. KV knows no jurisdictions: only for placements that nothing
 * restricts.
 */
import { decodeBase64, encodeBase64 } from '../../shared/embedding/base64.ts'
import type { SealedEmbedding } from '../objects/embedding-rpc.ts'

/** A bulk read takes as many keys, and counts as one call. */
const KEYS_PER_READ = 100
/** KV keeps nothing for a shorter time; the exact end is in the value. */
const MIN_KV_SECONDS = 60

/** One promise for each hundred names; it rejects where KV does not answer. */
export function readCopies(answers: KVNamespace, names: readonly string[]): Promise<SealedEmbedding[]>[] {
  const reads: Promise<SealedEmbedding[]>[] = []
  for (let start = 0; start < names.length; start += KEYS_PER_READ) {
    reads.push(readBulk(answers, names.slice(start, start + KEYS_PER_READ)))
  }
  return reads
}

export async function writeCopy(
  answers: KVNamespace,
  { name, sealed }: SealedEmbedding,
  secondsLeft: number,
): Promise<void> {
  const expirationTtl = Math.max(MIN_KV_SECONDS, Math.floor(secondsLeft))
  await answers.put(keyOf(name), encodeBase64(sealed), { expirationTtl })
}

/** Values are text, because bulk reads give no bytes. */
async function readBulk(answers: KVNamespace, names: readonly string[]): Promise<SealedEmbedding[]> {
  const values = await answers.get(names.map(keyOf), 'text')
  return names.flatMap((name) => {
    const sealed = decodeBase64(values.get(keyOf(name)) ?? '')
    return sealed === undefined || sealed.length === 0 ? [] : [{ name, sealed }]
  })
}

function keyOf(name: string): string {
  return `emb/1/${name}`
}
