/** What one isolate keeps for all requests, and what one request is given to work with. */
import { createBearerTokens, type BearerTokens } from './access/bearer-tokens.ts'
import { createAuditQueue, type AuditQueue } from './audit/audit-queue.ts'
import type { AuditTrail } from './audit/audit-trail.ts'
import { createTenantLogs, type TenantLogs } from './audit/tenant-logs.ts'
import { createStubs, type Stubs } from './objects/stubs.ts'
import { liveMesh } from './live-mesh.ts'
import type { Mesh } from './mesh.ts'
import type { Runtime } from './runtime.ts'
import { createSigner, type Signer } from './receipts/signer.ts'
import { createAccounts, type Accounts } from './stores/accounts.ts'
import { createAnswerStore, type AnswerStore } from './stores/answer-store.ts'
import { createConfigLeases, type ConfigLeases } from './stores/config-leases.ts'
import { createBodyBudget, type BodyBudget } from './stores/body-budget.ts'
import { createKeyGuesses, type KeyGuesses } from './stores/key-guesses.ts'
import { createLeaseStore, type LeaseStore } from './stores/lease-store.ts'
import { createPoisonStore, type PoisonStore } from './stores/poison-store.ts'
import type { MonitorLink } from './stores/monitor-link.ts'
import { createPoolStates, type PoolStates } from './stores/pool-states.ts'
import { createRegionExchange, type RegionExchange } from './stores/region-exchange.ts'
import { createRequestCounts, type RequestCounts } from './stores/request-counts.ts'
import { createSpanQueue, type SpanQueue } from './stores/span-queue.ts'
import { createTenantKeyring, type TenantKeyring } from './tenant-keys.ts'

/** Everything here may be lost at any moment: answers stay right, only slower. */
export interface Isolate {
  /** As deployed; of a request, the version it is served under. */
  readonly mesh: Mesh
  readonly deployed: Mesh
  readonly configs: ConfigLeases
  readonly runtime: Runtime
  readonly stubs: Stubs
  readonly pools: PoolStates
  readonly exchange: RegionExchange
  readonly counts: RequestCounts
  readonly leases: LeaseStore
  readonly accounts: Accounts
  readonly bodies: BodyBudget
  readonly keys: TenantKeyring
  readonly answers: AnswerStore
  readonly poisoned: PoisonStore
  readonly tokens: BearerTokens
  readonly guesses: KeyGuesses
  /** Undefined where there is no key to sign with. */
  readonly signer: Signer | undefined
  /** Tenants' audit logs, and what is on its way there. */
  readonly audit: { readonly logs: TenantLogs; readonly queue: AuditQueue }
  /** Traces on their way to exporters. */
  readonly spans: SpanQueue
}

export interface Edge extends Isolate {
  /** Keeps the isolate alive for work that outlasts the answer. */
  readonly waitUntil: (work: Promise<unknown>) => void
  /** The region's monitor, behind this request. */
  readonly monitor: MonitorLink
  /** What this request leaves in its tenant's audit log. */
  readonly trail: AuditTrail
  /** As the request names it. */
  readonly host: string
  /** Until when the request's version is known to be in force, on this isolate's clock; -Infinity: not known at all. */
  readonly configExpiresAtMs: number
}

export function createIsolate(mesh: Mesh, runtime: Runtime): Isolate {
  const keys = createTenantKeyring(mesh.fingerprintSecret)
  const stubs = createStubs(mesh.env, mesh.mode)
  const configs = createConfigLeases(mesh, stubs, runtime)
  const live = liveMesh(mesh, configs)
  const logs = createTenantLogs(live, stubs, runtime, keys)
  const counts = createRequestCounts()
  return {
    mesh,
    deployed: mesh,
    configs,
    runtime,
    stubs,
    pools: createPoolStates(runtime, { retryShare: mesh.config.routing.retry_share }),
    exchange: createRegionExchange(live, stubs, runtime, counts),
    counts,
    leases: createLeaseStore(live, stubs, runtime, keys),
    accounts: createAccounts(live, stubs, runtime, keys),
    keys,
    answers: createAnswerStore(runtime.answers(mesh.env.ANSWERS), mesh.vault, () =>
      runtime.log({ event: 'storage_error', object: 'kv' }),
    ),
    poisoned: createPoisonStore(),
    guesses: createKeyGuesses(runtime, mesh.env.KEY_GUESSES),
    tokens: createBearerTokens(mesh.fingerprintSecret, runtime),
    signer: mesh.receiptKeys === undefined ? undefined : createSigner(mesh.receiptKeys),
    audit: { logs, queue: createAuditQueue(logs, runtime) },
    spans: createSpanQueue(runtime, counts),
    bodies: createBodyBudget(mesh.config.limits.body_budget_bytes),
  }
}
