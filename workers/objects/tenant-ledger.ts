/**
 * TenantLedger: one object per tenant, in its home. Grants the leases that isolates act under, holds the cache epoch and its
 * key and the tenant's managed keys, counts the runs that go on without their client, and keeps the books of what the tenant may
 * use and has used; raising the epoch is the purge.
 */
import { DurableObject } from 'cloudflare:workers'
import {
  createKey,
  liveKeys,
  NO_KEYS,
  revokeKey,
  rotateKey,
  type ManagedKey,
  type ManagedKeys,
} from '../../shared/access/managed-keys.ts'
import {
  holdRun,
  releaseRun,
  type DetachedRun,
  type DetachedRuns,
} from '../../shared/admission/detached-runs.ts'
import type { Batch } from '../../shared/ledger/batch.ts'
import { changeKeys, grant, raiseEpoch, startIssuer, type Issuer } from '../../shared/lease/issuer.ts'
import { LEASE_TTL_MS, type TenantGrant } from '../../shared/lease/lease.ts'
import { ok } from '../../shared/result.ts'
import type { Environment } from '../environment.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createEpochRecord, type EpochRecord } from './epoch-record.ts'
import { createKeyRecord, type KeyRecord } from './key-record.ts'
import { createLedgerBook, type LedgerBook } from './ledger-book.ts'
import type { DrawAnswer, DrawRequest, UsageQuery, UsageReport } from './ledger-rpc.ts'
import type { Methods } from './methods.ts'
import type { KeyRotation, TenantLedgerRpc } from './tenant-ledger-rpc.ts'

/** Makes the class for a mesh and a runtime: production's, or the local one's. */
export function tenantLedgerClass({ vault, config }: Pick<Mesh, 'vault' | 'config'>, runtime: Runtime) {
  return class TenantLedger extends DurableObject<Environment> implements Methods<TenantLedgerRpc> {
    readonly #record: EpochRecord
    readonly #keys: KeyRecord
    readonly #book: LedgerBook
    #alarmAtMs: number | undefined
    #started: Issuer | undefined
    #detached: DetachedRuns = []

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      // The id and not the name: it is there in every runtime, and it is a digest of the name.
      this.#keys = createKeyRecord(ctx.storage)
      this.#record = createEpochRecord({
        storage: ctx.storage,
        vault,
        name: ctx.id.toString(),
        onLostKey: () => runtime.log({ event: 'storage_error', object: 'tenant_ledger', what: 'lost_key' }),
      })
      this.#book = createLedgerBook(ctx.storage, config.limits.total_ms + LEASE_TTL_MS)
      void ctx.blockConcurrencyWhile(async () => {
        const current = await this.#record.open(runtime.now())
        // After a restart it assumes that somebody holds a lease: what was granted before is not remembered.
        const managedKeys = this.#keys.read()
        const hasKeys = managedKeys.keys.length + managedKeys.revoked.length > 0
        this.#started = startIssuer(hasKeys ? { ...current, managedKeys } : current, runtime.now())
      })
    }

    get #issuer(): Issuer {
      if (this.#started === undefined) throw new Error('no call comes before the record is read')
      return this.#started
    }

    grantLease(): Promise<TenantGrant> {
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

    listKeys(): Promise<ManagedKeys> {
      return Promise.resolve(liveKeys(this.#managed, runtime.now()))
    }

    async createKey(key: Omit<ManagedKey, 'createdAtMs'>, configIds: readonly string[]) {
      const made = { ...key, createdAtMs: runtime.now() }
      const changed = createKey(this.#managed, made, configIds)
      if (!changed.ok) return changed
      this.#change(changed.value)
      await runtime.committed()
      return ok(made)
    }

    async rotateKey({ id, sha256, overlapMs }: KeyRotation, configIds: readonly string[]) {
      const overlapUntilMs = runtime.now() + overlapMs
      const changed = rotateKey(this.#managed, { id, sha256, overlapUntilMs }, configIds)
      if (!changed.ok) return changed
      const waitMs = this.#change(changed.value)
      await runtime.committed()
      // A key that leaked is replaced without an overlap: then it has to be gone when this returns.
      if (overlapMs === 0) await scheduler.wait(waitMs)
      return ok(null)
    }

    async revokeKey(id: string, configIds: readonly string[]) {
      const changed = revokeKey(this.#managed, id, configIds)
      if (!changed.ok) return changed
      const waitMs = this.#change(changed.value)
      await runtime.committed()
      await scheduler.wait(waitMs)
      return ok(null)
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

    get #managed(): ManagedKeys {
      return this.#issuer.current.managedKeys ?? NO_KEYS
    }

    /** Written before it is granted to anybody. */
    #change(keys: ManagedKeys): number {
      const [issuer, waitMs] = changeKeys(this.#issuer, keys, runtime.now())
      this.#keys.write(keys, runtime.now())
      this.#started = issuer
      return waitMs
    }

    async draw(request: DrawRequest): Promise<DrawAnswer> {
      const answer = this.#book.draw(request, runtime.now())
      if (answer.kind === 'granted') await this.#written()
      return answer
    }

    async settle(batch: Batch): Promise<void> {
      this.#book.settle(batch, runtime.now())
      await this.#written()
    }

    usage(query: UsageQuery): Promise<UsageReport> {
      return Promise.resolve(this.#book.usage(query, runtime.now()))
    }

    override async alarm(): Promise<void> {
      this.#alarmAtMs = undefined
      this.#book.sweep(runtime.now())
      await this.#written()
    }

    /** What was written is durable before anybody hears of it, and will be looked at again. */
    async #written(): Promise<void> {
      if (this.#alarmAtMs === undefined) {
        this.#alarmAtMs = this.#book.nextSweepMs()
        if (this.#alarmAtMs !== undefined) await this.ctx.storage.setAlarm(this.#alarmAtMs)
      }
      await runtime.committed()
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
