/**
 * TenantLedger: one object per tenant, in its home. Grants the leases that isolates act under, holds the cache epoch and its
 * key, and counts the runs that go on without their client; raising the epoch is the purge.
 */
import { DurableObject } from 'cloudflare:workers'
import {
  holdRun,
  releaseRun,
  type DetachedRun,
  type DetachedRuns,
} from '../../shared/admission/detached-runs.ts'
import { grant, raiseEpoch, startIssuer, type Issuer } from '../../shared/lease/issuer.ts'
import type { EpochGrant } from '../../shared/lease/lease.ts'
import type { Environment } from '../environment.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createEpochRecord, type EpochRecord } from './epoch-record.ts'
import type { Methods } from './methods.ts'
import type { TenantLedgerRpc } from './tenant-ledger-rpc.ts'

/** Makes the class for a mesh and a runtime: production's, or the local one's. */
export function tenantLedgerClass({ vault }: Pick<Mesh, 'vault'>, runtime: Runtime) {
  return class TenantLedger extends DurableObject<Environment> implements Methods<TenantLedgerRpc> {
    readonly #record: EpochRecord
    #started: Issuer | undefined
    #detached: DetachedRuns = []

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      // The id and not the name: it is there in every runtime, and it is a digest of the name.
      this.#record = createEpochRecord({
        storage: ctx.storage,
        vault,
        name: ctx.id.toString(),
        onLostKey: () => runtime.log({ event: 'storage_error', object: 'tenant_ledger', what: 'lost_key' }),
      })
      void ctx.blockConcurrencyWhile(async () => {
        const current = await this.#record.open(runtime.now())
        // After a restart it assumes that somebody holds a lease: what was granted before is not remembered.
        this.#started = startIssuer(current, runtime.now())
      })
    }

    get #issuer(): Issuer {
      if (this.#started === undefined) throw new Error('no call comes before the record is read')
      return this.#started
    }

    grantLease(): Promise<EpochGrant> {
      const [issuer, granted] = grant(this.#issuer, runtime.now())
      this.#started = issuer
      return Promise.resolve(granted)
    }

    async raiseEpoch(): Promise<number> {
      // Nothing is granted while the new key is made: an epoch and its key belong together.
      const { epoch, waitMs } = await this.ctx.blockConcurrencyWhile(() => this.#raise())
      await runtime.committed()
      await scheduler.wait(waitMs)
      return epoch
    }

    holdDetached(run: DetachedRun, max: number): Promise<boolean> {
      const [detached, isHeld] = holdRun(this.#detached, run, max, runtime.now())
      this.#detached = detached
      return Promise.resolve(isHeld)
    }

    releaseDetached(run: Omit<DetachedRun, 'untilMs'>): Promise<void> {
      this.#detached = releaseRun(this.#detached, run)
      return Promise.resolve()
    }

    async #raise(): Promise<{ epoch: number; waitMs: number }> {
      const wrappedKey = await this.#record.newKey(this.#issuer.current.epoch + 1)
      const [issuer, waitMs] = raiseEpoch(this.#issuer, wrappedKey, runtime.now())
      this.#record.write(issuer.current)
      this.#started = issuer
      return { epoch: issuer.current.epoch, waitMs }
    }
  }
}
