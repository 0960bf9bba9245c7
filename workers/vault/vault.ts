/**
 * Keys of what the mesh keeps of answers. Every tenant's epoch has a random key, which is kept wrapped by a master secret
 * in the tenant's ledger and nowhere else: when the ledger drops it, nothing can read any more what was stored under it.
 * Secrets and unwrapped keys are held as values, since what one request began another cannot wait for.
 */
import { createCipher, importHkdfKey, type Cipher } from './cipher.ts'
import {
  EPOCH_KEY_BYTES,
  isOfContext,
  isUnder,
  unwrapKey,
  wrapKey,
  wrappingSecret,
  type WrappingSecret,
} from './wrapped-key.ts'

export type { Cipher }

export interface Vault {
  /** A new random key, wrapped: 108 characters of base64url. `context` says whose it is, and can be asked again. */
  newWrappedKey(context: string): Promise<string>
  /**
   * The same key wrapped by the current secret: unchanged if it is already. Undefined where it is not a key of this
   * context, or no live secret opens it: then it is lost, and so is what was stored under it.
   */
  renew(wrappedKey: string, context: string): Promise<string | undefined>
  /**
   * What encrypts and opens one scope (a log's id) under the wrapped key; undefined where no live secret opens the key. It
   * needs no context: who keeps a key checks that it is his, who is given one trusts the giver.
   */
  cipher(wrappedKey: string, scope: string): Promise<Cipher | undefined>
}

export interface VaultSecrets {
  /** Wraps what is new. */
  readonly current: Uint8Array
  /** Opens what it has wrapped, while it is being retired. */
  readonly previous?: Uint8Array
}

/** A tenant has one live key; one isolate or shard seldom serves more tenants than this at a time. */
const MAX_KNOWN_KEYS = 256

export function createVault({ current, previous }: VaultSecrets): Vault {
  let known: { readonly current: WrappingSecret; readonly all: readonly WrappingSecret[] } | undefined
  /** In order of their last use. */
  const epochKeys = new Map<string, CryptoKey>()

  async function secrets() {
    if (known !== undefined) return known
    const [first, ...others] = await Promise.all([
      wrappingSecret(current),
      ...(previous === undefined ? [] : [wrappingSecret(previous)]),
    ])
    known = { current: first, all: [first, ...others] }
    return known
  }

  async function epochKey(wrappedKey: string): Promise<CryptoKey | undefined> {
    const key = epochKeys.get(wrappedKey) ?? (await unwrapped(wrappedKey))
    if (key === undefined) return undefined
    epochKeys.delete(wrappedKey)
    epochKeys.set(wrappedKey, key)
    for (const oldest of epochKeys.keys()) {
      if (epochKeys.size <= MAX_KNOWN_KEYS) break
      epochKeys.delete(oldest)
    }
    return key
  }

  async function unwrapped(wrappedKey: string): Promise<CryptoKey | undefined> {
    const bytes = await unwrapKey(wrappedKey, (await secrets()).all)
    return bytes === undefined ? undefined : importHkdfKey(bytes)
  }

  return {
    async newWrappedKey(context) {
      const bytes = crypto.getRandomValues(new Uint8Array(EPOCH_KEY_BYTES))
      return wrapKey(bytes, context, (await secrets()).current)
    },

    async renew(wrappedKey, context) {
      const { current: secret, all } = await secrets()
      const bytes = await unwrapKey(wrappedKey, all)
      if (bytes === undefined || !(await isOfContext(wrappedKey, context))) return undefined
      return isUnder(wrappedKey, secret) ? wrappedKey : wrapKey(bytes, context, secret)
    },

    async cipher(wrappedKey, scope) {
      const key = await epochKey(wrappedKey)
      return key && createCipher(key, scope)
    },
  }
}
