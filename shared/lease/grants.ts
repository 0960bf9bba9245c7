/**
 * Until when anybody may act on what was granted: the issuer's side of a lease, whatever is leased. A change is done when
 * every grant that was given before it has ended.
 */
import { LEASE_MARGIN_MS } from './issuer.ts'
import { LEASE_TTL_MS } from './lease.ts'

/** Times on the issuer's clock. */
export interface Grants {
  readonly lastEndsAtMs: number
  /** When the last grant of what was before the latest change ends. */
  readonly olderEndAtMs: number
}

/** Of an issuer that has just started, and does not know what it granted: it assumes a grant, and a change, a moment ago. */
export function startGrants(nowMs: number): Grants {
  return { lastEndsAtMs: nowMs + LEASE_TTL_MS, olderEndAtMs: nowMs + LEASE_TTL_MS }
}

export function granted(grants: Grants, nowMs: number): Grants {
  return { ...grants, lastEndsAtMs: Math.max(grants.lastEndsAtMs, nowMs + LEASE_TTL_MS) }
}

/** To be called when the new state is stored: what is granted from now on is new. */
export function changed(grants: Grants): Grants {
  return { ...grants, olderEndAtMs: grants.lastEndsAtMs }
}

/** Milliseconds until nobody acts on what was before the latest change. */
export function waitFor({ olderEndAtMs }: Grants, nowMs: number): number {
  return Math.max(0, olderEndAtMs - nowMs) + LEASE_MARGIN_MS
}
