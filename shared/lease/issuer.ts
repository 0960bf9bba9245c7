/** The issuer's side of leases: it remembers until when any lease may be held, and so how long a change must wait. */
import type { ManagedKeys } from '../access/managed-keys.ts'
import { LEASE_TTL_MS, type TenantGrant } from './lease.ts'

export interface Issuer {
  /** What is granted now. */
  readonly current: TenantGrant
  /** On the issuer's clock: no lease granted so far counts after this. */
  readonly lastGrantEndsAtMs: number
}

/**
 * Added to every wait: clocks run at slightly different speeds, and on Workers a holder's clock stands still while
 * it computes, so it may act a little after its lease ended.
 */
export const LEASE_MARGIN_MS = 250

/** An issuer that has just started and does not know what it granted before: it assumes a grant a moment ago. */
export function startIssuer(current: TenantGrant, nowMs: number): Issuer {
  return { current, lastGrantEndsAtMs: nowMs + LEASE_TTL_MS }
}

/** Grants the current epoch, or renews. */
export function grant(issuer: Issuer, nowMs: number): [Issuer, TenantGrant] {
  const lastGrantEndsAtMs = Math.max(issuer.lastGrantEndsAtMs, nowMs + LEASE_TTL_MS)
  return [{ ...issuer, lastGrantEndsAtMs }, issuer.current]
}

/**
 * Raises the epoch at once, with a new key, for all later grants. The call that asked for it may return only after
 * `waitMs`: then no holder believes in an older epoch. The new state has to be stored before the wait begins.
 */
export function raiseEpoch(issuer: Issuer, wrappedKey: string, nowMs: number): [Issuer, number] {
  const current = { ...issuer.current, epoch: issuer.current.epoch + 1, wrappedKey }
  return [{ ...issuer, current }, waitFor(issuer, nowMs)]
}

/** Changes the keys at once for all later grants; for whoever asked for it the same holds as for a raise. */
export function changeKeys(issuer: Issuer, managedKeys: ManagedKeys, nowMs: number): [Issuer, number] {
  return [{ ...issuer, current: { ...issuer.current, managedKeys } }, waitFor(issuer, nowMs)]
}

function waitFor({ lastGrantEndsAtMs }: Issuer, nowMs: number): number {
  return Math.max(0, lastGrantEndsAtMs - nowMs) + LEASE_MARGIN_MS
}
