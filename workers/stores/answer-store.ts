/**
 * Copies of sealed logs outside their shard: in KV, which every data centre has near, and a few in this isolate's memory. Only
 * what may be anywhere is in KV; what is in memory is decided by who puts it there.
 */
import { decodeLog, type KeptLog } from '../../shared/log/document.ts'
import type { Vault } from '../vault/vault.ts'

export interface AnswerStore {
  /** From memory. */
  remembered(fingerprint: string, nowMs: number): KeptLog | undefined
  remember(fingerprint: string, kept: KeptLog): void
  forget(fingerprint: string): void
  /** From KV; undefined where it is not there, cannot be read, or KV fails. */
  fetch(fingerprint: string, wrappedKey: string): Promise<KeptLog | undefined>
  /** Whether it has come from KV before, so that nobody else need be asked. */
  hasComeFromKv(fingerprint: string): boolean
}

/** Of the 128 MB that an isolate has for everything. */
const MAX_CHARACTERS = 8 * 1024 * 1024
/** A copy costs some kilobytes beside its characters. */
const MAX_COPIES = 4096
const MAX_NAMES = 10_000
const KV_FORMAT = 2

export function kvKey(fingerprint: string): string {
  return `log/${KV_FORMAT}/${fingerprint}`
}

export function createAnswerStore(answers: KVNamespace, vault: Vault, onFailure: () => void): AnswerStore {
  // In the order of their use, the longest unused first.
  const copies = new Map<string, KeptLog>()
  const fromKv = new Set<string>()
  let characters = 0

  function forget(fingerprint: string): void {
    const kept = copies.get(fingerprint)
    if (kept === undefined) return
    copies.delete(fingerprint)
    characters -= kept.log.size
  }

  return {
    remembered(fingerprint, nowMs) {
      const kept = copies.get(fingerprint)
      if (kept === undefined) return undefined
      copies.delete(fingerprint)
      if (kept.life.expiresAtMs <= nowMs) {
        characters -= kept.log.size
        return undefined
      }
      copies.set(fingerprint, kept)
      return kept
    },
    remember(fingerprint, kept) {
      forget(fingerprint)
      copies.set(fingerprint, kept)
      characters += kept.log.size
      for (const oldest of copies.keys()) {
        if (characters <= MAX_CHARACTERS && copies.size <= MAX_COPIES) break
        forget(oldest)
      }
    },
    forget(fingerprint) {
      forget(fingerprint)
      fromKv.delete(fingerprint)
    },
    async fetch(fingerprint, wrappedKey) {
      try {
        const sealed = await answers.get(kvKey(fingerprint), 'arrayBuffer')
        if (sealed === null) {
          fromKv.delete(fingerprint)
          return undefined
        }
        const cipher = await vault.cipher(wrappedKey, fingerprint)
        const opened = await cipher?.open('kv', new Uint8Array(sealed))
        const text = opened === undefined ? '' : new TextDecoder().decode(opened)
        const end = text.indexOf('\n')
        const kept = decodeLog(text.slice(0, end), text.slice(end + 1))
        if (kept === undefined) onFailure()
        else noteFromKv(fingerprint)
        return kept
      } catch {
        // KV is down or slow: the shard has it, or makes it.
        onFailure()
        return undefined
      }
    },
    hasComeFromKv: (fingerprint) => fromKv.has(fingerprint),
  }

  function noteFromKv(fingerprint: string): void {
    if (fromKv.size >= MAX_NAMES) fromKv.clear()
    fromKv.add(fingerprint)
  }
}
