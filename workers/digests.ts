/** WebCrypto behind the interface that shared/fingerprint asks for, and comparison in constant time. */
import { toHex } from '../shared/fingerprint/bytes.ts'
import type { Digests } from '../shared/fingerprint/fingerprint.ts'

const encoder = new TextEncoder()

export const webCryptoDigests: Digests = {
  utf8: (text) => encoder.encode(text),
  async sha256(bytes) {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  },
  async hmacSha256(key, bytes) {
    const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ])
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, bytes))
  },
}

/** SHA-256 of a text, as lower-case hex. */
export async function sha256Hex(text: string): Promise<string> {
  const digest = await webCryptoDigests.sha256(encoder.encode(text))
  return toHex(digest)
}

/** Whether two texts are equal, in a time that depends on neither. Both are digested first, so lengths do not show. */
export async function isEqualSecret(left: string, right: string): Promise<boolean> {
  const [a, b] = await Promise.all([
    webCryptoDigests.sha256(encoder.encode(left)),
    webCryptoDigests.sha256(encoder.encode(right)),
  ])
  return crypto.subtle.timingSafeEqual(a, b)
}
