/** Encrypts what is kept of inputs, and reads it again. */
import { decodeEntry, encodeEntry, type EmbeddingEntry } from '../../shared/embedding/entry.ts'
import type { Cipher, Vault } from '../vault/vault.ts'

export interface EntryCipher {
  /** Undefined where the key cannot be used. */
  seal(name: string, entry: EmbeddingEntry): Promise<Uint8Array | undefined>
  /** Undefined for what does not authenticate under this name, or cannot be read. */
  open(name: string, sealed: Uint8Array): Promise<EmbeddingEntry | undefined>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * For one request. A key under which nonces are random is good for 2^32 pieces, and a large tenant embeds that many: the
 * first character of the name makes 64 keys of one. A key for each name would cost each a derivation.
 */
export function createEntryCipher(vault: Vault, wrappedKey: string): EntryCipher {
  const ciphers = new Map<string, Promise<Cipher | undefined>>()

  function cipherOf(name: string): Promise<Cipher | undefined> {
    const scope = `embedding/${name.slice(0, 1)}`
    const cipher = ciphers.get(scope) ?? vault.cipher(wrappedKey, scope)
    ciphers.set(scope, cipher)
    return cipher
  }

  return {
    async seal(name, entry) {
      const cipher = await cipherOf(name)
      return cipher?.seal(
        name,
        encodeEntry(entry, (text) => encoder.encode(text)),
      )
    },
    async open(name, sealed) {
      const cipher = await cipherOf(name)
      const bytes = await cipher?.open(name, sealed)
      return bytes && decodeEntry(bytes, (json) => decoder.decode(json))
    },
  }
}
