/** Every form in which a text could be recognized without a key: itself, encoded, and digested. */
import { createHash, getHashes } from 'node:crypto'

/** One form, as `haystack` makes text of bytes. */
export interface Form {
  /** Says what it is of which text, for whoever reads a failure. */
  readonly name: string
  readonly text: string
}

/** Names of OpenSSL, as far as this one has them. */
const DIGESTS = [
  ['md5', 'sha1', 'ripemd160', 'sha224', 'sha256', 'sha384', 'sha512', 'sha512-256'],
  ['sha3-256', 'sha3-512', 'blake2s256', 'blake2b512'],
].flat()

/** So much of a digest tells it from chance in some megabytes; who stores a shorter part is not found. */
const DIGEST_BYTES = 8
/** Offset basis and prime of FNV-1a with 64 bits (RFC 9923). */
const FNV_BASIS = 0xcbf29ce484222325n
const FNV_PRIME = 0x100000001b3n

/** As many as `slotAt` gives. */
const TABLE_SIZE = 2 ** 22

/** Bytes as a text to search in: a character each, letters without their case. */
export function haystack(bytes: Uint8Array | string): string {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : Buffer.from(bytes)
  return buffer.toString('latin1').toLowerCase()
}

/** The text and what it looks like encoded; it should be of letters and digits, so that nothing else must escape it. */
export function encodedForms(text: string): readonly Form[] {
  const bytes = Buffer.from(text, 'utf8')
  const escapes = Array.from(text).map((letter) => String.raw`\u${hexOf(letter).padStart(4, '0')}`)
  const percents = Array.from(text).map((letter) => `%${hexOf(letter)}`)
  const encoded: readonly (readonly [string, Uint8Array | string])[] = [
    ['plain', text],
    ['reversed', Array.from(text).toReversed().join('')],
    ['hex', bytes.toString('hex')],
    ['JSON escapes', escapes.join('')],
    ['percent escapes', percents.join('')],
    ['decimal bytes', [...bytes].join(',')],
    ['UTF-16LE', Buffer.from(text, 'utf16le')],
    ['UTF-16BE', Buffer.from(text, 'utf16le').swap16()],
    // Of base64 what does not depend on where the text began, which three beginnings differ in.
    ...[0, 1, 2].map((offset) => ['base64', wrappedInBase64(text, offset)] as const),
  ]
  return encoded.map(([name, form]) => ({ name: `${text}, ${name}`, text: haystack(form) }))
}

/** Digests of the text that need no key, in the forms in which digests are written. `label` stands for a long text. */
export function digestedForms(text: string, label = text): readonly Form[] {
  const known = new Set(getHashes().map((name) => name.toLowerCase()))
  const digests = DIGESTS.filter((name) => known.has(name)).map(
    (name) => [name, createHash(name).update(text).digest()] as const,
  )
  return [...digests, ['FNV-1a', fnv1a64(text)] as const].flatMap(([name, digest]) => {
    const part = digest.subarray(0, DIGEST_BYTES)
    // Twelve characters are 9 bytes: the last ones depend on what follows.
    const base64 = digest.toString('base64').slice(0, 10)
    const forms = [
      ['hex', part.toString('hex')],
      ['bytes', part],
      ['base64', base64],
      ['base64url', base64.replaceAll('+', '-').replaceAll('/', '_')],
    ] as const
    return forms.map(([form, value]) => ({ name: `${label}, ${name} in ${form}`, text: haystack(value) }))
  })
}

/** Names of the forms that are in a haystack. */
export function foundIn(text: string, forms: readonly Form[]): string[] {
  return finderOf(forms)(text)
}

/** The same for many haystacks: where none of thousands of forms begins is passed over by a look at a table. */
export function finderOf(forms: readonly Form[]): (text: string) => string[] {
  const begins = new Uint8Array(TABLE_SIZE)
  const bySlot = Map.groupBy(forms, (form) => slotAt(form.text, 0))
  for (const slot of bySlot.keys()) begins[slot] = 1
  return (text) => {
    const found = new Set<string>()
    for (let at = 0; at < text.length; at += 1) {
      const slot = slotAt(text, at)
      if (begins[slot] === 0) continue
      for (const form of bySlot.get(slot) ?? []) if (text.startsWith(form.text, at)) found.add(form.name)
    }
    return [...found]
  }
}

/** Of the four characters from there on. */
function slotAt(text: string, at: number): number {
  const four =
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  // Multiplicative hashing (Knuth, The Art of Computer Programming, 6.4); the highest bits are the best mixed.
  return Math.imul(four, 0x9e3779b1) >>> 10
}

function hexOf(letter: string): string {
  return letter.charCodeAt(0).toString(16)
}

function wrappedInBase64(text: string, offset: number): string {
  const whole = Buffer.from('\0'.repeat(offset) + text).toString('base64')
  // The first four characters hold what was before, the last four may hold what comes after.
  return whole.slice(offset === 0 ? 0 : 4, -4)
}

function fnv1a64(text: string): Buffer {
  let hash = FNV_BASIS
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME)
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(hash)
  return bytes
}
