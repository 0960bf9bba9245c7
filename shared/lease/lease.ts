/**
 * A lease: the right to act on what was true when it was granted (config version, the tenant's cache epoch and its
 * key), for a few seconds. Revoking is waiting: a change is done when every older lease has run out.
 */

import type { ManagedKeys } from '../access/managed-keys.ts'

/** A tenant's cache epoch, and the key under which everything made in it is stored. */
export interface EpochGrant {
  /** Raising it is a purge. */
  readonly epoch: number
  /** As the ledger keeps it: of use only to who has the mesh's master secret. */
  readonly wrappedKey: string
}

/** What a tenant's ledger grants. */
export interface TenantGrant extends EpochGrant {
  /** Keys beside those of the config, and ids that are good no more; absent: none. */
  readonly managedKeys?: ManagedKeys
}

export interface Lease extends TenantGrant {
  readonly configVersion: string
  /** Tenant id. */
  readonly tenant: string
  /** On the holder's clock. */
  readonly expiresAtMs: number
}

/** What the issuer sends; how long it counts is the same constant on both sides. */
export type LeaseGrant = Omit<Lease, 'expiresAtMs'>

/** The longest a purge, a revocation or a config change takes to hold, and the time an issuer may be away. */
export const LEASE_TTL_MS = 5_000

/**
 * The lease a holder gets from a grant. It runs from when the holder asked, on his clock, while the issuer counts
 * from when it granted, which is later: however long the answer travels, the issuer's wait covers the holder.
 */
export function leaseFrom(grant: LeaseGrant, askedAtMs: number): Lease {
  return { ...grant, expiresAtMs: askedAtMs + LEASE_TTL_MS }
}

/** Whether the holder may act under the lease. */
export function isLive(lease: Lease, nowMs: number): boolean {
  return nowMs < lease.expiresAtMs
}

/** Whether a holder under traffic should renew in the background: half of the time is over. */
export function isRenewalDue(lease: Lease, nowMs: number): boolean {
  return nowMs >= lease.expiresAtMs - LEASE_TTL_MS / 2
}
