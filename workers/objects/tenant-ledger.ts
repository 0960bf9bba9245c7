/**
 * TenantLedger: one object per tenant, in its home. Grants the leases that isolates act under and holds the cache epoch;
 * raising the epoch is the purge.
 */
import { DurableObject } from 'cloudflare:workers'
import { grant, raiseEpoch, startIssuer, type Issuer } from '../../shared/lease/issuer.ts'
import type { Environment } from '../environment.ts'
import type { Runtime } from '../runtime.ts'
import type { TenantLedgerRpc } from './tenant-ledger-rpc.ts'

const EPOCH_KEY = 'epoch:v1'

/** Makes the class for a runtime: production's, or the local one's. */
export function tenantLedgerClass(runtime: Runtime) {
  return class TenantLedger extends DurableObject<Environment> implements Methods<TenantLedgerRpc> {
    #issuer: Issuer

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      // A ledger that is new, because the old one was lost or the tenant's home moved, must not begin with an epoch that
      // was purged: the time is later than any epoch that was counted up from an earlier time.
      const stored = ctx.storage.kv.get<number>(EPOCH_KEY)
      const epoch = stored ?? runtime.now()
      if (stored === undefined) ctx.storage.kv.put(EPOCH_KEY, epoch)
      // After a restart it assumes that somebody holds a lease: what was granted before is not remembered.
      this.#issuer = startIssuer(epoch, runtime.now())
    }

    grantLease(): Promise<{ readonly epoch: number }> {
      const [issuer, granted] = grant(this.#issuer, runtime.now())
      this.#issuer = issuer
      return Promise.resolve(granted)
    }

    async raiseEpoch(): Promise<number> {
      const [issuer, waitMs] = raiseEpoch(this.#issuer, runtime.now())
      this.#issuer = issuer
      this.ctx.storage.kv.put(EPOCH_KEY, issuer.epoch)
      await runtime.committed()
      await scheduler.wait(waitMs)
      return issuer.epoch
    }
  }
}

/** An RPC interface without the mark that only stubs carry. */
export type Methods<T> = Omit<T, keyof Rpc.DurableObjectBranded>
