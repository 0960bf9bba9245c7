/**
 * Copies answers that are asked for again to KV, where every data centre has them near. KV knows no jurisdictions: what is
 * restricted is never given to it. A tenant's copies are counted, so that one cannot spend what KV costs without bound.
 */
import { encodeAbout, encodeEvents, type KeptLog } from '../../shared/log/document.ts'
import type { Vault } from '../vault/vault.ts'
import { kvKey } from '../stores/answer-store.ts'

export interface Promoter {
  /** Resolves when the copy is made, or is not to be made. */
  promote(input: {
    readonly tenant: string
    readonly fingerprint: string
    readonly wrappedKey: string
    readonly kept: KeptLog
    readonly nowMs: number
  }): Promise<void>
}

/** KV takes values up to 25 MiB; what is larger than this is not sooner there from KV. */
const MAX_CHARACTERS = 1024 * 1024
/** KV keeps nothing for a shorter time; the exact end is in the value. */
const MIN_KV_SECONDS = 60
const HOUR_MS = 3_600_000

export function createPromoter(answers: KVNamespace, vault: Vault, perHour: number): Promoter {
  const spent = new Map<string, { hour: number; count: number }>()

  function mayCopy(tenant: string, nowMs: number): boolean {
    const hour = Math.floor(nowMs / HOUR_MS)
    const before = spent.get(tenant)
    const count = before?.hour === hour ? before.count : 0
    if (count >= perHour) return false
    spent.set(tenant, { hour, count: count + 1 })
    return true
  }

  return {
    async promote({ tenant, fingerprint, wrappedKey, kept, nowMs }) {
      const seconds = Math.floor((kept.life.expiresAtMs - nowMs) / 1000)
      if (seconds < 1 || kept.log.size > MAX_CHARACTERS || !mayCopy(tenant, nowMs)) return
      const cipher = await vault.cipher(wrappedKey, fingerprint)
      const text = `${encodeAbout(kept)}\n${encodeEvents(kept.log, 0)}`
      const sealed = await cipher?.seal('kv', new TextEncoder().encode(text))
      if (sealed === undefined) return
      await answers.put(kvKey(fingerprint), sealed, { expirationTtl: Math.max(MIN_KV_SECONDS, seconds) })
    },
  }
}
