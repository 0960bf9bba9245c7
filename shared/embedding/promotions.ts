/**
 * Which vectors a shard has copied to KV: those read a second time, each once, and so many of a tenant in an hour. It is
 * memory only: after a restart a vector has to be read twice again.
 */

export interface Promotions {
  /** Counts a read, and says whether now is the time to copy the vector. */
  isDue(read: { readonly tenant: string; readonly name: string; readonly nowMs: number }): boolean
}

export interface PromotionLimits {
  readonly perHour: number
  /** Names remembered; the oldest are forgotten first. */
  readonly maxNames: number
}

interface Hour {
  readonly startedAtMs: number
  readonly copied: number
}

const HOUR_MS = 3_600_000

export function createPromotions({ perHour, maxNames }: PromotionLimits): Promotions {
  /** Names that were read, and whether they have been copied. A map keeps the order of its keys. */
  const seen = new Map<string, boolean>()
  const hours = new Map<string, Hour>()

  function remember(name: string, isCopied: boolean): void {
    seen.delete(name)
    seen.set(name, isCopied)
    const [oldest] = seen.keys()
    if (seen.size > maxNames && oldest !== undefined) seen.delete(oldest)
  }

  return {
    isDue({ tenant, name, nowMs }) {
      const isCopied = seen.get(name)
      const last = hours.get(tenant)
      const hour =
        last === undefined || nowMs - last.startedAtMs >= HOUR_MS ? { startedAtMs: nowMs, copied: 0 } : last
      const isDue = isCopied === false && hour.copied < perHour
      remember(name, isCopied === true || isDue)
      if (isDue) hours.set(tenant, { ...hour, copied: hour.copied + 1 })
      return isDue
    },
  }
}
