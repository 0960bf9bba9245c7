/** Base64 with padding (RFC 4648 §4), as OpenAI's API writes vectors. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const FORM = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const PAD = 0x3d
/** Arguments a call takes without running out of stack. */
const CODES_PER_CALL = 8192

const codes = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0))
const values = new Uint8Array(128)
for (const [value, code] of codes.entries()) values[code] = value

export function encodeBase64(bytes: Uint8Array): string {
  const written = new Uint8Array(Math.ceil(bytes.length / 3) * 4)
  let at = 0
  for (let index = 0; index < bytes.length; index += 3) {
    const bits = ((bytes[index] ?? 0) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0)
    written[at] = codes[bits >> 18] ?? 0
    written[at + 1] = codes[(bits >> 12) & 63] ?? 0
    written[at + 2] = codes[(bits >> 6) & 63] ?? 0
    written[at + 3] = codes[bits & 63] ?? 0
    at += 4
  }
  const missing = (3 - (bytes.length % 3)) % 3
  written.fill(PAD, written.length - missing)
  let text = ''
  for (let index = 0; index < written.length; index += CODES_PER_CALL) {
    text += String.fromCharCode(...written.subarray(index, index + CODES_PER_CALL))
  }
  return text
}

/** Undefined for what is no base64. Bits beyond the last byte are not looked at. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!FORM.test(text)) return undefined
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  for (let index = 0, at = 0; index < text.length; index += 4, at += 3) {
    const bits = (valueAt(text, index) << 18) | (valueAt(text, index + 1) << 12)
    const more = bits | (valueAt(text, index + 2) << 6) | valueAt(text, index + 3)
    // Beyond the end of the bytes, a typed array drops what it is given.
    bytes[at] = more >> 16
    bytes[at + 1] = more >> 8
    bytes[at + 2] = more
  }
  return bytes
}

function valueAt(text: string, index: number): number {
  return values[text.charCodeAt(index)] ?? 0
}
