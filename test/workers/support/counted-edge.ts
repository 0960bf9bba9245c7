/**
 * An isolate at the edge of which every call that leaves it is written down, in order: to objects, to KV, to the data centre's
 * cache, to pools. What those answer is the test's to say, and its clock stands still.
 */
import { env } from 'cloudflare:workers'
import type { AuditFacts } from '../../../shared/audit/entry.ts'
import type { Observation } from '../../../shared/pool/observation.ts'
import { applyObservation, UNMEASURED, type PoolMeasures } from '../../../shared/pool/pool-measures.ts'
import type { ObserverReport, RegionSnapshot } from '../../../shared/pool/region-snapshot.ts'
import { createApp } from '../../../workers/app.ts'
import { createIsolate, type Isolate } from '../../../workers/edge.ts'
import type { AuditAppend } from '../../../workers/objects/audit-log-rpc.ts'
import type { Environment } from '../../../workers/environment.ts'
import { startMesh } from '../../../workers/mesh.ts'
import type { DrawAnswer, DrawRequest } from '../../../workers/objects/ledger-rpc.ts'
import { productionRuntime } from '../../../workers/runtime.ts'
import { KEYS } from '../../support/keys.ts'
import { delta, role, wholeAnswer } from '../../support/pool-events.ts'

export interface CountedOptions {
  /** What the region's monitor answers; without it, that it knows nothing. */
  readonly monitor?: (report: ObserverReport) => Promise<RegionSnapshot>
  /** What the data centre's cache holds, whatever it is asked for. */
  readonly cached?: RegionSnapshot
  /** What an audit log answers; without it, that it has what it was given. */
  readonly auditLog?: () => Promise<void>
  /** Bindings in place of the usual ones. */
  readonly environment?: Partial<Environment>
  /** Of the region's monitor, data centre and cache: where the isolate is. */
  readonly colo?: string
  /** Limits and budget of every tenant, as the config has them. */
  readonly terms?: Readonly<Record<string, unknown>>
  /** What ledgers answer who asks for a slice; without it, with all that is wanted. */
  readonly draw?: (request: DrawRequest) => DrawAnswer
}

export interface Asking {
  readonly tenant?: keyof typeof KEYS
  readonly content?: string
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface CountedEdge {
  readonly isolate: Isolate
  readonly clock: { nowMs: number }
  /** What all pools answer with, and whether they never end. */
  readonly pool: { status: number; goesOn: boolean }
  /** Of tenants. */
  readonly ledger: { hangs: boolean }
  /** What left the isolate, and when a request was `asked`, its pool had a `first token`, its answer had `begun`, and was `read`. */
  readonly events: string[]
  /** What a monitor answers that has just begun. */
  readonly knowsNothing: () => Promise<RegionSnapshot>
  readonly reports: readonly ObserverReport[]
  /** Entries that audit logs were given. */
  readonly audited: readonly AuditFacts[]
  /** What was left in the cache. */
  readonly left: readonly string[]
  readonly lines: readonly string[]
  /** What goes on behind the requests. */
  readonly background: readonly Promise<unknown>[]
  /** Gets the tenant's lease, as an earlier request would have. */
  hold(tenant: keyof typeof KEYS): Promise<void>
  /** A sampled chat, as a stream, unless the body says otherwise; reads its answer. */
  ask(asking?: Asking): Promise<Response>
}

const HOST = 'edge.test'
export const START_MS = 1_900_000_000_000

export function aCountedEdge(options: CountedOptions = {}): CountedEdge {
  const { monitor, cached, auditLog, environment, colo = 'FRA', terms, draw = grantAll } = options
  const events: string[] = []
  const reports: ObserverReport[] = []
  const left: string[] = []
  const audited: AuditFacts[] = []
  const lines: string[] = []
  const background: Promise<unknown>[] = []
  const clock = { nowMs: START_MS }
  const ledger = { hangs: false }
  const pool = { status: 200, goesOn: false }

  const knowsNothing = (): Promise<RegionSnapshot> =>
    Promise.resolve({ region: 'eu-central', atMs: clock.nowMs, pools: {}, tokenRatios: {} })

  function called(binding: string, method: string, args: readonly unknown[]): unknown {
    events.push(`${binding}.${method}`)
    if (binding === 'TENANT_LEDGER' && method === 'grantLease') {
      return ledger.hangs
        ? new Promise(() => undefined)
        : Promise.resolve({ epoch: 1, wrappedKey: 'wrapped' })
    }
    if (binding === 'AUDIT_LOG' && method === 'append') {
      // The argument of an append, by its interface.
      const [{ facts }] = args as [AuditAppend]
      audited.push(...facts)
      return auditLog?.() ?? Promise.resolve()
    }
    if (binding === 'TENANT_LEDGER' && method === 'draw') {
      return ledger.hangs ? new Promise(() => undefined) : Promise.resolve(draw((args as [DrawRequest])[0]))
    }
    if (binding === 'TENANT_LEDGER' && method === 'settle') return Promise.resolve()
    if (binding !== 'REGION_MONITOR' || method !== 'exchange') throw new Error('an object nobody was to call')
    // The arguments of an exchange, by its interface.
    const [, report] = args as [string, ObserverReport]
    reports.push(report)
    return monitor?.(report) ?? knowsNothing()
  }

  /** Every method of it, whatever its name, is written down and called. */
  const counted = (binding: string): object =>
    new Proxy(
      {},
      {
        get: (_target, method) =>
          method === 'then' ? undefined : (...args: unknown[]) => called(binding, String(method), args),
      },
    )
  const objects = (binding: string) => ({ getByName: () => counted(binding) })
  const bindings = {
    ...env,
    ...environment,
    ...(terms === undefined ? {} : { MESH_CONFIG: withTerms(String(env.MESH_CONFIG), terms) }),
    ANSWERS: counted('KV'),
    LOG_SHARD: objects('LOG_SHARD'),
    TENANT_LEDGER: objects('TENANT_LEDGER'),
    REGION_MONITOR: objects('REGION_MONITOR'),
    POOL_MONITOR: objects('POOL_MONITOR'),
    AUDIT_LOG: objects('AUDIT_LOG'),
    // Stand-ins have what is called of them, and no more.
  } as unknown as Environment
  const cache = {
    match() {
      events.push('cache.match')
      const held = cached === undefined ? undefined : Response.json({ format: 1, snapshot: cached })
      return Promise.resolve(held)
    },
    async put(_url: string, response: Response) {
      events.push('cache.put')
      left.push(await response.text())
    },
  } as unknown as Cache

  const isolate = createIsolate(startMesh(bindings, ''), {
    ...productionRuntime,
    now: () => clock.nowMs,
    random: () => 0.5,
    arrivalOf: () => ({ host: HOST, colo }),
    snapshots: () => Promise.resolve(cache),
    log: (line) => void lines.push(JSON.stringify(line)),
    send() {
      events.push('pool')
      if (pool.status !== 200) return Promise.resolve(new Response('{}', { status: pool.status }))
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (pool.goesOn && events.includes('first token')) return new Promise(() => undefined)
            events.push('first token')
            if (pool.goesOn) {
              controller.enqueue(new TextEncoder().encode(role() + delta('Well')))
              return
            }
            controller.enqueue(new TextEncoder().encode(wholeAnswer('Well', ' then.')))
            controller.close()
          },
          cancel: () => void events.push('pool left'),
        },
        { highWaterMark: 0 },
      )
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
    },
  })
  const app = createApp(isolate)
  const waitUntil = (work: Promise<unknown>): void => void background.push(work)
  const context = { waitUntil, passThroughOnException: () => undefined, props: {} } as ExecutionContext

  return {
    isolate,
    clock,
    ledger,
    pool,
    events,
    knowsNothing,
    reports,
    left,
    audited,
    lines,
    background,
    async hold(id) {
      const tenant = isolate.mesh.tenants.get(id)
      if (tenant === undefined) throw new Error('no such tenant')
      await isolate.leases.hold(tenant, await isolate.mesh.configVersion(), waitUntil)
      events.length = 0
    },
    async ask({ tenant = 'demo', content = 'Hello.', body, headers } = {}) {
      events.push('asked')
      const response = await app.fetch(
        new Request(`http://${HOST}/v1/chat/completions`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${KEYS[tenant]}`,
            'content-type': 'application/json',
            ...headers,
          },
          body: JSON.stringify({
            model: 'story',
            messages: [{ role: 'user', content }],
            temperature: 1,
            stream: true,
            ...body,
          }),
        }),
        bindings,
        context,
      )
      events.push('begun')
      const text = await response.text()
      events.push('read')
      return new Response(text, { status: response.status, headers: response.headers })
    },
  }
}

function grantAll({ want }: DrawRequest): DrawAnswer {
  return { kind: 'granted', granted: want, levels: {}, usualOutputs: {} }
}

function withTerms(text: string, terms: Readonly<Record<string, unknown>>): string {
  const config = JSON.parse(text) as { tenants: object[] }
  return JSON.stringify({ ...config, tenants: config.tenants.map((tenant) => ({ ...tenant, ...terms })) })
}

/** A snapshot of a region that knows one pool to be quick, as old as that. */
export function aSnapshotOf(pool: string, atMs: number): RegionSnapshot {
  const seen: Observation = {
    kind: 'first_token',
    pool,
    askedAtMs: atMs - 20,
    atMs: atMs - 10,
    key: 'someone',
    ttftMs: 10,
    queueMs: 0,
    uncachedTokens: 10,
    predictedMs: 10,
  }
  const measures = [1, 2, 3].reduce<PoolMeasures>(
    (known, count) => applyObservation(known, { ...seen, askedAtMs: seen.askedAtMs - count }),
    UNMEASURED,
  )
  const shared = { measures, inFlight: 0, tokensPerSecond: 0, isDrained: false }
  return { region: 'eu-central', atMs, pools: { [pool]: shared }, tokenRatios: {} }
}
