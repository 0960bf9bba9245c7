/** What a TenantLedger can be asked. */
import type { DetachedRun } from '../../shared/admission/detached-runs.ts'
import type { KeyProblem, ManagedKey, ManagedKeys } from '../../shared/access/managed-keys.ts'
import type { Result } from '../../shared/result.ts'
import type { TenantGrant } from '../../shared/lease/lease.ts'
import type { LedgerRpc } from './ledger-rpc.ts'

export interface KeyRotation {
  readonly id: string
  readonly sha256: string
  readonly overlapMs: number
}

export interface TenantLedgerRpc extends LedgerRpc, Rpc.DurableObjectBranded {
  /** Grants an isolate the right to act for the tenant for a few seconds. */
  grantLease(): Promise<TenantGrant>
  /**
   * Starts a new cache epoch and destroys the key of the older one. Returns when every lease on that has run out: nothing
   * cached before is served.
   */
  raiseEpoch(): Promise<number>
  listKeys(): Promise<ManagedKeys>
  /** Adds a key; it counts at once wherever a lease is renewed. `configIds`: of the tenant's keys in the config. */
  createKey(
    key: Omit<ManagedKey, 'createdAtMs'>,
    configIds: readonly string[],
  ): Promise<Result<ManagedKey, KeyProblem>>
  /** Gives a key another secret; the one before counts on for `overlapMs`. */
  rotateKey(change: KeyRotation, configIds: readonly string[]): Promise<Result<null, KeyProblem>>
  /** Takes a key back. Returns when every lease under which it counted has run out. */
  revokeKey(id: string, configIds: readonly string[]): Promise<Result<null, KeyProblem>>
  /**
   * Whether a run may go on without its client: if its key has fewer than `max` that do. Holds are in memory: a restart
   * forgets them, and a key may then have up to twice as many for as long as one lasts.
   */
  holdDetached(run: DetachedRun, max: number): Promise<boolean>
  /** The run is over, or its client is back. */
  releaseDetached(run: Omit<DetachedRun, 'untilMs'>): Promise<void>
}
