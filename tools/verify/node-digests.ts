/** WebCrypto, as Node has it, behind the interface that shared/ asks for. */
import type { Digests } from '../../shared/fingerprint/fingerprint.ts'

const encoder = new TextEncoder()

export const nodeDigests: Digests = {
  utf8: (text) => encoder.encode(text),
  async sha256(bytes) {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)))
  },
  async hmacSha256(key, bytes) {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const imported = await crypto.subtle.importKey('raw', new Uint8Array(key), algorithm, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign('HMAC', imported, new Uint8Array(bytes)))
  },
}
