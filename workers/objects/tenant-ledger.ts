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
const FIRST_EPOCH = 1

/** Makes the class for a runtime: production's, or the local one's. */
export function tenantLedgerClass(runtime: Runtime) {
  return class TenantLedger extends DurableObject<Environment> implements Methods<TenantLedgerRpc> {
    #issuer: Issuer

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      const stored = ctx.storage.kv.get<number>(EPOCH_KEY)
      // After a restart it assumes that somebody holds a lease: what was granted before is not remembered.
      this.#issuer = startIssuer(stored ?? FIRST_EPOCH, runtime.now())
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
