/** Node's digests, for tests of what takes its digests as a parameter. */
import { createHash, createHmac } from 'node:crypto'
import type { Digests } from '../../../shared/fingerprint/fingerprint.ts'

export const nodeDigests: Digests = {
  sha256: (bytes) => Promise.resolve(new Uint8Array(createHash('sha256').update(bytes).digest())),
  hmacSha256: (key, bytes) =>
    Promise.resolve(new Uint8Array(createHmac('sha256', key).update(bytes).digest())),
  utf8: (text) => new TextEncoder().encode(text),
}
