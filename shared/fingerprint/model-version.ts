/**
 * Picks the version of a model that answers a request, by weight and from the request's digest: equal requests of a
 * tenant always get the same version, so that a weighted split never breaks their sharing of an answer.
 *
 * Weighted rendezvous hashing (Schindelhauer and Schomaker 2005, "Weighted distributed hash tables"): each version
 * draws u in (0, 1) from the request, and the largest −weight / ln(u) wins. A version gets requests in proportion to
 * its weight, and changing one weight moves requests only to or from that version: the cached answers of the others stay.
 */

import { fnv1a, mix } from './mix.ts'

export interface WeightedVersion {
  readonly id: string
  /** 0 is never picked. */
  readonly weight: number
}

const UINT32_RANGE = 2 ** 32

/**
 * `digest` is a keyed digest of at least 8 bytes, whose bits are as good as random; the mixing only has to make the
 * versions' draws differ. Throws if no weight is positive, which the config's check refuses.
 */
export function pickVersion(versions: readonly WeightedVersion[], digest: Uint8Array): string {
  let picked: string | undefined
  let best = 0
  for (const { id, weight } of versions) {
    if (!(weight > 0)) continue
    const score = weight / -Math.log(draw(id, digest))
    if (picked === undefined || score > best) {
      picked = id
      best = score
    }
  }
  if (picked === undefined) throw new Error('no version of the model has a positive weight')
  return picked
}

/** Uniform in (0, 1), never its ends, whose logarithms would be infinite or zero. */
function draw(id: string, digest: Uint8Array): number {
  const seeded = mix(word(digest, 0) ^ fnv1a(id))
  return (mix(seeded ^ word(digest, 4)) + 0.5) / UINT32_RANGE
}

function word(digest: Uint8Array, offset: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = digest.subarray(offset, offset + 4)
  return (a << 24) | (b << 16) | (c << 8) | d
}
