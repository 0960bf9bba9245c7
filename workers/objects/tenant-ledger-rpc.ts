/** What a TenantLedger can be asked. */
import type { DetachedRun } from '../../shared/admission/detached-runs.ts'
import type { EpochGrant } from '../../shared/lease/lease.ts'

export interface TenantLedgerRpc extends Rpc.DurableObjectBranded {
  /** Grants an isolate the right to act for the tenant for a few seconds. */
  grantLease(): Promise<EpochGrant>
  /**
   * Starts a new cache epoch and destroys the key of the older one. Returns when every lease on that has run out: nothing
   * cached before is served.
   */
  raiseEpoch(): Promise<number>
  /**
   * Whether a run may go on without its client: if its key has fewer than `max` that do. Holds are in memory: a restart
   * forgets them, and a key may then have up to twice as many for as long as one lasts.
   */
  holdDetached(run: DetachedRun, max: number): Promise<boolean>
  /** The run is over, or its client is back. */
  releaseDetached(run: Omit<DetachedRun, 'untilMs'>): Promise<void>
}
