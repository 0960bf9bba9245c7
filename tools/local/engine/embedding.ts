/** Makes vectors of tokens: of length 1, the same for the same text everywhere, and unrelated for any other text. */
import { choose, extend, hashText } from './rolling-hash.ts'
import { seededRandom } from './random.ts'

/** Engines of the same model give the same vector, as they write the same text. 32-bit precision. */
export function embed(model: string, tokens: readonly number[], dimensions: number): Float32Array {
  let hash = hashText(model)
  for (const token of tokens) hash = extend(hash, token)
  const seed = choose(extend(hash, dimensions), 0, 2 ** 32)
  const random = seededRandom(seed)
  const raw = Array.from({ length: dimensions }, () => random() * 2 - 1)
  const length = Math.hypot(...raw)
  return Float32Array.from(raw, (component) => component / length)
}
