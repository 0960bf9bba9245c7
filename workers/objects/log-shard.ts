/**
 * LogShard: holds the logs of many generations of one home. Because one object owns a log, identical requests need no lock
 * to share it; because it is an object, a generation outlives the edge isolate that asked for it.
 */
import { DurableObject } from 'cloudflare:workers'
import { entryOfUse, type PoolUse } from '../../shared/ledger/settlement.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import { increment } from '../../shared/metrics/counts.ts'
import type { Environment } from '../environment.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createAccounts, type Accounts } from '../stores/accounts.ts'
import { liveMesh } from '../live-mesh.ts'
import { createConfigLeases, type ConfigLease } from '../stores/config-leases.ts'
import { monitorLink } from '../stores/monitor-link.ts'
import { createPoolMemory } from '../stores/pool-memory.ts'
import { createPoolStates } from '../stores/pool-states.ts'
import { createRequestCounts } from '../stores/request-counts.ts'
import { createRegionExchange } from '../stores/region-exchange.ts'
import { createTenantKeyring } from '../tenant-keys.ts'
import { within } from '../within.ts'
import { createClaims, type Claims } from './claims.ts'
import type { EmbeddingsLookup, EmbeddingToKeep, FoundEmbedding } from './embedding-rpc.ts'
import { createEmbeddingStore, type EmbeddingStore } from './embedding-store.ts'
import type { StartInput } from './generation.ts'
import { createLogKeeper } from './log-keeper.ts'
import { createLogOpenings, type LogOpenings } from './log-openings.ts'
import { createLogShelf } from './log-shelf.ts'
import type { GenerationJob, LogShardRpc, ResumeJob } from './log-shard-rpc.ts'
import { createLogStorage, type LogStorage } from './log-storage.ts'
import { BEAT_MS, logStream, type LogOpening } from './log-stream.ts'
import type { Methods } from './methods.ts'
import { resumeWithinPolicy, withinPolicy } from './place-job.ts'
import { produceJob } from './produce-job.ts'
import { createPromoter } from './promoter.ts'
import { createPulse } from './pulse.ts'
import { createQuarantine, type Quarantine } from './quarantine.ts'
import { createShardRuns, type Attachment, type ShardRuns } from './shard-runs.ts'
import { createStubs } from './stubs.ts'

const LEDGER_WITHIN_MS = 3000
/** An edge that has a lease of its own does without the shard. */
const WITHOUT_CONFIG: LogOpening = { head: { declined: 'busy' } }

/** Makes the class for a mesh and a runtime: production's, or the local one's. */
export function logShardClass(deployed: Mesh, runtime: Runtime) {
  const configs = createConfigLeases(deployed, createStubs(deployed.env, deployed.mode), runtime)
  const mesh = liveMesh(deployed, configs)
  const keys = createTenantKeyring(mesh.fingerprintSecret)
  const memory = createPoolMemory()

  return class LogShard extends DurableObject<Environment> implements Methods<LogShardRpc> {
    readonly #storage: LogStorage
    readonly #claims: Claims
    readonly #quarantine: Quarantine
    readonly #embeddings: EmbeddingStore
    readonly #runs: ShardRuns
    readonly #openings: LogOpenings
    readonly #accounts: Accounts
    readonly #counts = createRequestCounts()
    readonly #pulse = createPulse(BEAT_MS)

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      this.#storage = createLogStorage(ctx.storage)
      this.#accounts = createAccounts(mesh, createStubs(env, mesh.mode), runtime, keys)
      this.#claims = createClaims(ctx.storage)
      this.#quarantine = createQuarantine(ctx.storage)
      const { limits, log: settings } = mesh.config
      this.#embeddings = createEmbeddingStore(ctx.storage, settings.promotions_per_hour)
      this.#runs = createShardRuns({
        commitAfterMs: limits.commit_after_ms,
        now: () => runtime.now(),
        detachedMs: limits.detached_ms,
        hold: (job) => this.#hold(job),
        // What the ledger does not hear of runs out there by itself.
        release: (job) => void this.#release(job).catch(() => undefined),
      })
      const { retry_share: retryShare } = mesh.config.routing
      const pools = createPoolStates(runtime, { retryShare, memory })
      const exchange = createRegionExchange(mesh, createStubs(env, mesh.mode), runtime, this.#counts)
      const monitor = monitorLink(exchange, undefined, (work) => ctx.waitUntil(work))
      const tell = (what: 'unreadable' | 'unwritable'): void =>
        runtime.log({ event: 'storage_error', object: 'log_shard', what })
      const keeper = createLogKeeper(this.#storage, mesh.vault, tell)
      const shelf = createLogShelf({
        mesh,
        runtime,
        keeper,
        promoter: createPromoter(runtime.answers(env.ANSWERS), mesh.vault, settings.promotions_per_hour),
        start: (fingerprint) => (input) =>
          produceJob(
            input,
            { onPoison: () => this.#isolate(fingerprint), onUse: (use) => this.#settle(use, input) },
            () => this.#config(),
            { mesh, runtime, pools, monitor },
          ),
        onEnd: (generation) => this.#runs.settle(generation),
        inBackground: (work) => ctx.waitUntil(work),
        onWritten: () => this.#setAlarm().catch(() => tell('unwritable')),
      })
      this.#openings = createLogOpenings({
        mesh,
        runtime,
        shelf,
        isQuarantined: (fingerprint) => this.#quarantine.has(fingerprint, runtime.now()),
      })
    }

    open(job: GenerationJob): Promise<ReadableStream<Uint8Array>> {
      return this.#stream(job.run, async (attachment) => {
        const lease = await this.#config()
        if (lease === undefined) return WITHOUT_CONFIG
        return this.#openings.open(withinPolicy(job, lease.mesh), attachment)
      })
    }

    resume(job: ResumeJob): Promise<ReadableStream<Uint8Array>> {
      return this.#stream(job.run, async (attachment) => {
        const lease = await this.#config()
        if (lease === undefined) return WITHOUT_CONFIG
        return this.#openings.resume(resumeWithinPolicy(job, lease.mesh), attachment)
      })
    }

    detach(run: string): Promise<void> {
      this.#runs.detach(run)
      return Promise.resolve()
    }

    async claim(name: string, request: string, ttlSeconds: number): Promise<boolean> {
      const nowMs = runtime.now()
      const isClaimed = this.#claims.claim(name, request, nowMs + ttlSeconds * 1000, nowMs)
      await this.#setAlarm()
      return isClaimed
    }

    override async alarm(): Promise<void> {
      const nowMs = runtime.now()
      this.#storage.sweep(nowMs)
      this.#claims.sweep(nowMs)
      this.#quarantine.sweep(nowMs)
      this.#embeddings.sweep(nowMs)
      await this.#setAlarm()
    }

    #stream(
      run: string,
      open: (attachment: Attachment) => Promise<LogOpening>,
    ): Promise<ReadableStream<Uint8Array>> {
      const attachment = this.#runs.attach(run)
      return Promise.resolve(logStream(open(attachment), (why) => attachment.end(why), this.#pulse))
    }

    /** The version that the shard may act under now: a lease of its own, beside that of the edge that asks. */
    #config(): Promise<ConfigLease | undefined> {
      return configs.hold(undefined, (work) => this.ctx.waitUntil(work))
    }

    #isolate(fingerprint: string): void {
      this.#quarantine.add(fingerprint, runtime.now() + mesh.config.limits.quarantine_ms)
      this.ctx.waitUntil(this.#setAlarm())
    }

    /** The shard calls the pools, so it settles what they were used for; who reads settles his request. */
    #settle(use: PoolUse, { job, isDetached }: StartInput): void {
      const tenant = mesh.tenants.get(job.tenant)
      if (tenant === undefined) return
      const whose = { key: job.keyId, model: job.generation.model }
      const entry = isDetached() ? entryOfUse(use, whose, 'detached') : entryOfUse(use, whose)
      this.#accounts.tell(tenant, { entries: [entry] })
      const labels = { tenant: job.tenant, model: job.generation.model, pool: use.pool }
      const counts = this.#counts.of(job.home.region)
      increment(counts, 'mesh_cost_microdollars_total', labels, entry.microdollars)
      this.#accounts.flush(tenant, (work) => this.ctx.waitUntil(work))
    }

    async #hold({ tenant, keyId, run }: GenerationJob): Promise<boolean> {
      const ledger = await this.#ledgerOf(tenant)
      const { limits } = mesh.config
      const untilMs = runtime.now() + limits.detached_ms
      const held = ledger?.holdDetached({ keyId, run, untilMs }, limits.max_detached_runs)
      // A ledger that does not answer has not said yes.
      return (held && (await within(held, LEDGER_WITHIN_MS))) ?? false
    }

    async #release({ tenant, keyId, run }: GenerationJob): Promise<void> {
      await (await this.#ledgerOf(tenant))?.releaseDetached({ keyId, run })
    }

    async #ledgerOf(id: string) {
      const tenant = mesh.tenants.get(id)
      const home = tenant && tenantHome(tenant, mesh.config, mesh.mode)
      if (home === undefined) return undefined
      const { objectName } = await keys.of(id)
      return createStubs(this.env, mesh.mode).tenantLedger(home, objectName)
    }

    /** Always from what is stored: two answers that end together must not lose the earlier end of life. */
    async #setAlarm(): Promise<void> {
      const times = [this.#storage, this.#claims, this.#quarantine, this.#embeddings]
        .map((kept) => kept.nextExpiryMs())
        .filter((at) => at !== undefined)
      if (times.length > 0) await this.ctx.storage.setAlarm(Math.min(...times))
      await runtime.committed()
    }

    readEmbeddings(lookup: EmbeddingsLookup): Promise<readonly FoundEmbedding[]> {
      return Promise.resolve(this.#embeddings.read(lookup, runtime.now()))
    }

    async writeEmbeddings(embeddings: readonly EmbeddingToKeep[]): Promise<void> {
      this.#embeddings.write(embeddings)
      await this.#setAlarm()
    }
  }
}
