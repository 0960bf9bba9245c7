/**
 * An epoch's key as it is kept: encrypted under a master secret, and good for one context only.
 *
 *     secret key  = HKDF-SHA-256(UTF-8(master secret), no salt, info = "warmpath/wrap/v1"), 32 bytes
 *     secret id   = HKDF-SHA-256(UTF-8(master secret), no salt, info = "warmpath/wrap-id/v1"), 4 bytes
 *     header      = 1 (format, one byte) ‖ secret id ‖ first 16 bytes of SHA-256(UTF-8(context))
 *     wrapped key = base64url(header ‖ nonce (12 random bytes) ‖ AES-256-GCM(secret key, nonce, epoch key, AAD = header))
 *
 * 81 bytes, 108 characters. The digest of the context is inside, so that who only opens need not know the context, and
 * who keeps the key can tell that it is his own. A secret wraps one key per purge: random nonces do.
 */
import { base64Url, concatBytes, fromBase64Url } from '../../shared/fingerprint/bytes.ts'
import { decrypted, deriveAesKey, importHkdfKey, NONCE_BYTES, TAG_BYTES } from './cipher.ts'

/** A master secret, ready to wrap. */
export interface WrappingSecret {
  readonly key: CryptoKey
  /** Tells live secrets apart; says nothing about the secret. */
  readonly id: Uint8Array
}

const FORMAT = 1
const ID_BYTES = 4
const CONTEXT_BYTES = 16
export const EPOCH_KEY_BYTES = 32
const HEADER_BYTES = 1 + ID_BYTES + CONTEXT_BYTES
const WRAPPED_BYTES = HEADER_BYTES + NONCE_BYTES + EPOCH_KEY_BYTES + TAG_BYTES
const WRAPPED_CHARACTERS = (WRAPPED_BYTES / 3) * 4

const encoder = new TextEncoder()

export async function wrappingSecret(masterSecret: Uint8Array): Promise<WrappingSecret> {
  const from = await importHkdfKey(masterSecret)
  const idParams = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: encoder.encode('warmpath/wrap-id/v1'),
  }
  const [key, id] = await Promise.all([
    deriveAesKey(from, 'warmpath/wrap/v1'),
    crypto.subtle.deriveBits(idParams, from, ID_BYTES * 8),
  ])
  return { key, id: new Uint8Array(id) }
}

/** Wraps 32 bytes for a context. */
export async function wrapKey(
  epochKey: Uint8Array,
  context: string,
  { key, id }: WrappingSecret,
): Promise<string> {
  const header = concatBytes([Uint8Array.of(FORMAT), id, await contextDigest(context)])
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv: nonce, additionalData: header },
    key,
    epochKey,
  )
  return base64Url(concatBytes([header, nonce, new Uint8Array(sealed)]))
}

/** The key's 32 bytes; undefined where none of the secrets wrapped it, or where it is not what was wrapped. */
export async function unwrapKey(
  wrappedKey: string,
  secrets: readonly WrappingSecret[],
): Promise<Uint8Array | undefined> {
  const bytes = bytesOf(wrappedKey)
  if (bytes?.[0] !== FORMAT) return undefined
  const secret = secrets.find((each) => isWrappedBy(bytes, each))
  if (secret === undefined) return undefined
  const header = bytes.subarray(0, HEADER_BYTES)
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
  return decrypted(
    crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: header },
      secret.key,
      bytes.subarray(HEADER_BYTES + NONCE_BYTES),
    ),
  )
}

/** Whether the key says that this secret wrapped it. */
export function isUnder(wrappedKey: string, secret: WrappingSecret): boolean {
  const bytes = bytesOf(wrappedKey)
  return bytes !== undefined && isWrappedBy(bytes, secret)
}

/** Whether the key says that it is of the context; `unwrapKey` shows whether that is true. */
export async function isOfContext(wrappedKey: string, context: string): Promise<boolean> {
  const bytes = bytesOf(wrappedKey)
  return (
    bytes !== undefined && isEqual(bytes.subarray(1 + ID_BYTES, HEADER_BYTES), await contextDigest(context))
  )
}

function isWrappedBy(bytes: Uint8Array, { id }: WrappingSecret): boolean {
  return isEqual(bytes.subarray(1, 1 + ID_BYTES), id)
}

async function contextDigest(context: string): Promise<Uint8Array> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(context))
  return new Uint8Array(digest).subarray(0, CONTEXT_BYTES)
}

function bytesOf(wrappedKey: string): Uint8Array | undefined {
  return wrappedKey.length === WRAPPED_CHARACTERS ? fromBase64Url(wrappedKey) : undefined
}

/** Of what is no secret. */
function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
