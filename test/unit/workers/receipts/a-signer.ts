/** Signers, and a check of what they sign that knows nothing of jose: Node's own Ed25519 over the raw parts. */
import { createPublicKey, verify } from 'node:crypto'
import { createSigner, type PublishedKey } from '../../../../workers/receipts/signer.ts'
import type { PublicKey } from '../../../../workers/receipts/keys.ts'

/** RFC 8032 §7.1, test 1: a seed and its public key. */
export const RFC_SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
export const RFC_PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'

export function aSigner(seedHex = RFC_SEED, retired: readonly PublicKey[] = []) {
  return createSigner({ seed: Uint8Array.from(Buffer.from(seedHex, 'hex')), retired })
}

export interface RawJws {
  readonly header: unknown
  readonly claims: unknown
  readonly isGenuine: boolean
}

/** The parts of a compact JWS, as RFC 7515 §5.2 says, and whether Node's crypto accepts the signature. */
export function openRaw(jws: string, { kty, crv, x }: PublicKey | PublishedKey): RawJws {
  const [header = '', payload = '', signature = '', ...more] = jws.split('.')
  const key = createPublicKey({ key: { kty, crv, x }, format: 'jwk' })
  const isGenuine =
    more.length === 0 &&
    verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))
  return { header: jsonIn(header), claims: jsonIn(payload), isGenuine }
}

function jsonIn(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
}
