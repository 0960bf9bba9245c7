/**
 * A vector as it is kept and sent on: 32-bit floats, little-endian, in bytes, which is what base64 answers hold. Pools
 * compute in 16 or 32 bits, so that nothing is lost.
 */
import { decodeBase64, encodeBase64 } from './base64.ts'
import { float32Text } from './float-text.ts'

export type Vector = Uint8Array

const BYTES_PER_FLOAT = 4

/** Reads a vector from a pool's answer, in either encoding. Undefined for what is none, is empty or is not finite. */
export function readVector(embedding: unknown): Vector | undefined {
  const vector = typeof embedding === 'string' ? decodeBase64(embedding) : vectorOfNumbers(embedding)
  if (vector === undefined || vector.length === 0 || vector.length % BYTES_PER_FLOAT !== 0) return undefined
  return isFinite(vector) ? vector : undefined
}

/** The JSON text of a vector. */
export function vectorJson(vector: Vector, encoding: 'float' | 'base64'): string {
  if (encoding === 'base64') return `"${encodeBase64(vector)}"`
  const view = viewOf(vector)
  const texts: string[] = []
  for (let at = 0; at < vector.length; at += BYTES_PER_FLOAT)
    texts.push(float32Text(view.getFloat32(at, true)))
  return `[${texts.join(',')}]`
}

function vectorOfNumbers(embedding: unknown): Vector | undefined {
  if (!Array.isArray(embedding)) return undefined
  const vector = new Uint8Array(embedding.length * BYTES_PER_FLOAT)
  const view = viewOf(vector)
  for (const [index, component] of embedding.entries()) {
    if (typeof component !== 'number') return undefined
    view.setFloat32(index * BYTES_PER_FLOAT, component, true)
  }
  return vector
}

function isFinite(vector: Vector): boolean {
  const view = viewOf(vector)
  for (let at = 0; at < vector.length; at += BYTES_PER_FLOAT) {
    if (!Number.isFinite(view.getFloat32(at, true))) return false
  }
  return true
}

function viewOf({ buffer, byteOffset, byteLength }: Vector): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
