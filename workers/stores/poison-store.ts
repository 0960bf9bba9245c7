/**
 * Requests under which two pools died, as this isolate has seen it on the private path, where no log would remember it. A
 * request is looked up only while there are any, so that the others need no digest.
 */
export interface PoisonStore {
  /** Whether there is anything to look up for the tenant. */
  hasAny(tenant: string, nowMs: number): boolean
  /** `request` is a keyed digest. */
  has(tenant: string, request: string, nowMs: number): boolean
  add(tenant: string, request: string, untilMs: number): void
}

/** Beyond this the oldest are forgotten: what kills pools is rare. */
const MAX_REQUESTS = 1000

export function createPoisonStore(): PoisonStore {
  const untilMs = new Map<string, number>()
  const name = (tenant: string, request: string): string => `${tenant}/${request}`

  function sweep(nowMs: number): void {
    for (const [key, until] of untilMs) if (until <= nowMs) untilMs.delete(key)
  }

  return {
    hasAny(tenant, nowMs) {
      if (untilMs.size === 0) return false
      sweep(nowMs)
      return [...untilMs.keys()].some((key) => key.startsWith(`${tenant}/`))
    },
    has: (tenant, request, nowMs) => (untilMs.get(name(tenant, request)) ?? 0) > nowMs,
    add(tenant, request, until) {
      const added = name(tenant, request)
      untilMs.delete(added)
      const [oldest] = untilMs.keys()
      if (untilMs.size >= MAX_REQUESTS && oldest !== undefined) untilMs.delete(oldest)
      untilMs.set(added, until)
    },
  }
}
