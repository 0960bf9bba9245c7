/** What is kept of one input: its vector and what is known of it, as bytes to be encrypted. */
import { z } from 'zod'
import { concatBytes } from '../fingerprint/bytes.ts'
import type { Vector } from './vector.ts'

export interface EmbeddingEntry {
  readonly vector: Vector
  /** What the input cost the pool, in tokens of its prompt; absent where the pool did not say. */
  readonly promptTokens?: number
  readonly pool: string
  readonly model: string
  readonly modelVersion: string
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

const about = z.object({
  promptTokens: z.int().min(0).exactOptional(),
  pool: z.string(),
  model: z.string(),
  modelVersion: z.string(),
  createdAtMs: z.number(),
  expiresAtMs: z.number(),
})

const BYTES_PER_FLOAT = 4
/** Two, big-endian: the length of what is known. */
const LENGTH_BYTES = 2

/** @param utf8 the runtime's encoder */
export function encodeEntry(
  { vector, ...known }: EmbeddingEntry,
  utf8: (text: string) => Uint8Array,
): Uint8Array {
  const json = utf8(JSON.stringify(known))
  return concatBytes([Uint8Array.of(json.length >> 8, json.length), json, vector])
}

/** Undefined for what cannot be read. @param text the runtime's decoder of UTF-8 */
export function decodeEntry(
  bytes: Uint8Array,
  text: (bytes: Uint8Array) => string,
): EmbeddingEntry | undefined {
  const [high = 0, low = 0] = bytes
  const vectorAt = LENGTH_BYTES + high * 256 + low
  const read = about.safeParse(parse(text(bytes.subarray(LENGTH_BYTES, vectorAt)))).data
  const vector = bytes.subarray(vectorAt)
  const isWhole = vector.length > 0 && vector.length % BYTES_PER_FLOAT === 0
  return read === undefined || !isWhole ? undefined : { ...read, vector }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
