/** A request that is looked up, with a shard and a KV that a test has answer as it likes. */
import { encodeEndLine, encodeFrameLine, encodeHeadLine } from '../../../shared/log/lines.ts'
import type { GenerationJob, LogShardRpc } from '../../../workers/objects/log-shard-rpc.ts'
import { createPromoter } from '../../../workers/objects/promoter.ts'
import { fingerprintRequest } from '../../../workers/stages/fingerprint.ts'
import { lookUp } from '../../../workers/stages/look-up.ts'
import { createAnswerStore } from '../../../workers/stores/answer-store.ts'
import { createPoolStates } from '../../../workers/stores/pool-states.ts'
import type { Edge } from '../../../workers/edge.ts'
import { createVault } from '../../../workers/vault/vault.ts'
import { aKeptLog } from './a-kept-log.ts'
import { aKv } from './a-kv.ts'
import { FACTS } from './a-log-text.ts'
import { aRuntime } from './a-runtime.ts'
import { LEASE, NOW_MS, setUp, type About } from './an-admitted.ts'

export type ShardAnswer = (job: GenerationJob) => Promise<ReadableStream<Uint8Array>>

export interface LookUpOptions extends About {
  readonly open?: ShardAnswer
  readonly claim?: LogShardRpc['claim']
}

/** Streams of a shard: their lines, and then the end of the stream. */
export function shardStream(...lines: readonly string[]): ReadableStream<Uint8Array> {
  return new Response(lines.join('')).body ?? new ReadableStream()
}

/** An answer that the shard has whole. */
export function hitStream(text: string): ReadableStream<Uint8Array> {
  return shardStream(
    encodeHeadLine({ facts: { ...FACTS, ttlSeconds: 60 }, take: 'take-1' }),
    encodeFrameLine({
      members: JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] }),
      tokens: 1,
    }),
    encodeEndLine({ outcome: 'completed' }),
  )
}

const vault = createVault({ current: new TextEncoder().encode('test encryption secret of 32 bytes or more') })

export async function aLookUp(options: LookUpOptions = {}) {
  const wrappedKey = await vault.newWrappedKey('test')
  const admitted = setUp({ lease: { ...LEASE, wrappedKey }, ...options })
  const kv = aKv()
  const jobs: GenerationJob[] = []
  const detached: string[] = []
  let kvFailures = 0
  const background: Promise<unknown>[] = []
  const runtime = aRuntime({ now: () => NOW_MS })
  const { mesh } = admitted.edge
  const stubs = {
    logShard: () => ({
      open(job: GenerationJob) {
        jobs.push(job)
        return options.open?.(job) ?? Promise.resolve(hitStream('from the shard'))
      },
      detach(run: string) {
        detached.push(run)
        return Promise.resolve()
      },
      claim: options.claim ?? (() => Promise.resolve(true)),
    }),
  }
  // Of an edge, this stage and those before it use what is here.
  const edge = {
    ...admitted.edge,
    runtime,
    pools: createPoolStates(runtime, { retryShare: 0.2 }),
    mesh: {
      ...mesh,
      tenants: new Map(mesh.config.tenants.map((tenant) => [tenant.id, tenant])),
      models: new Map(mesh.config.models.map((model) => [model.id, model])),
      regions: new Map(mesh.config.regions.map((region) => [region.id, region])),
    },
    stubs,
    answers: createAnswerStore(kv.namespace, vault, () => {
      kvFailures += 1
    }),
    waitUntil: (work: Promise<unknown>) => void background.push(work.catch(() => undefined)),
  } as unknown as Edge
  const client = new AbortController()
  const [edgeRegion] = mesh.config.regions.filter(({ colos }) => colos?.includes(options.colo ?? 'FRA'))
  const context = await fingerprintRequest(
    {
      ...admitted.context,
      edgeRegion: edgeRegion ?? admitted.context.edgeRegion,
      requestId: 'req_1',
      arrival: { host: 'edge.test', colo: options.colo ?? 'FRA' },
    },
    edge,
  )
  return {
    kv,
    jobs,
    detached,
    client,
    edge,
    context,
    get kvFailures() {
      return kvFailures
    },
    /** Puts a whole answer into KV, as a shard does. */
    async promote(text: string): Promise<void> {
      const { sharing } = context
      if (sharing.kind !== 'shared') throw new Error('only what is shared is in KV')
      const kept = aKeptLog({ text, createdAtMs: NOW_MS, expiresAtMs: NOW_MS + 60_000 })
      const { fingerprint } = sharing
      const input = { tenant: 'demo', fingerprint, wrappedKey, kept, nowMs: NOW_MS }
      await createPromoter(kv.namespace, vault, 100).promote(input)
    },
    run: () => lookUp(context, edge, { signal: client.signal, endsByMs: NOW_MS + 60_000 }),
    settled: () => Promise.all(background),
  }
}
