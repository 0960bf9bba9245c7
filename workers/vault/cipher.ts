/**
 * Encrypts what is kept of one answer, and opens it again: AES-256-GCM under the scope's own key.
 *
 *     scope key = HKDF-SHA-256(epoch key, no salt, info = "warmpath/at-rest/v1\n" ‖ scope), 32 bytes
 *     sealed    = nonce (12 random bytes) ‖ AES-256-GCM(scope key, nonce, plain), with its tag of 16 bytes
 *     AAD       = JSON ["warmpath/at-rest/v1", scope, label]
 *
 * Nonces are random and not counted: rows are written again and a write can be lost, so a counter could come back under
 * the same key, which breaks GCM. A key that serves one log seals some thousand pieces; random nonces are good for
 * 2^32 (NIST SP 800-38D §8.3).
 */
import { concatBytes } from '../../shared/fingerprint/bytes.ts'

export interface Cipher {
  /** Encrypts a piece. `label` says which piece of the scope it is, and is not hidden. 28 bytes are added. */
  seal(label: string, plain: Uint8Array): Promise<Uint8Array>
  /** The piece again; undefined for whatever was not sealed under this key, scope and label. Never rejects. */
  open(label: string, sealed: Uint8Array): Promise<Uint8Array | undefined>
}

/** Part of key and AAD: what another format sealed does not open. */
const FORMAT = 'warmpath/at-rest/v1'
export const NONCE_BYTES = 12
export const TAG_BYTES = 16

const encoder = new TextEncoder()

/**
 * Makes what encrypts one scope, such as a log.
 * @param epochKey for HKDF
 * @param scope a name of ours that nothing else under the epoch key has, of 500 characters at most
 */
export async function createCipher(epochKey: CryptoKey, scope: string): Promise<Cipher> {
  const key = await deriveAesKey(epochKey, `${FORMAT}\n${scope}`)
  const params = (nonce: Uint8Array, label: string) => ({
    name: 'AES-GCM',
    iv: nonce,
    additionalData: encoder.encode(JSON.stringify([FORMAT, scope, label])),
  })
  return {
    async seal(label, plain) {
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
      const sealed = await crypto.subtle.encrypt(params(nonce, label), key, plain)
      return concatBytes([nonce, new Uint8Array(sealed)])
    },
    async open(label, sealed) {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
      const nonce = sealed.subarray(0, NONCE_BYTES)
      return decrypted(crypto.subtle.decrypt(params(nonce, label), key, sealed.subarray(NONCE_BYTES)))
    },
  }
}

/** An AES-256-GCM key, by HKDF-SHA-256 without salt: the input is a random key or a long secret (RFC 5869 §3.1). */
export function deriveAesKey(from: CryptoKey, info: string): Promise<CryptoKey> {
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode(info) }
  return crypto.subtle.deriveKey(hkdf, from, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

/** The key that others are derived from, out of bytes; nobody gets the bytes back. */
export function importHkdfKey(bytes: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey', 'deriveBits'])
}

/** What does not authenticate is an expected outcome and no exception: a changed byte, another key, another place. */
export async function decrypted(work: Promise<ArrayBuffer>): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await work)
  } catch {
    return undefined
  }
}
