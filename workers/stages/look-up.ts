/**
 * Eighth stage: what is known already. A shareable request is looked for in this isolate's memory, then in KV and in the
 * shard that owns its log at the same time, which replays the answer or makes it; the first of them to have it answers. If the
 * shard cannot be reached in time this isolate makes an answer of its own and stores none.
 */
import type { GatewayError } from '../../shared/errors.ts'
import type { AnswerFacts } from '../../shared/log/answer-facts.ts'
import { isLive } from '../../shared/lease/lease.ts'
import type { KeptLog } from '../../shared/log/document.ts'
import { readLog } from '../../shared/log/reading.ts'
import { shardOf } from '../../shared/log/shard-of.ts'
import { withinRetention } from '../../shared/residency/storage.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Answer, Fingerprinted, LookedUp, PrivateReason } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { readerOf } from '../log-reader.ts'
import { factsOfLog } from '../objects/log-facts.ts'
import { travelTo } from '../objects/stubs.ts'
import type { Patience as WholePatience } from '../patience.ts'
import { keptAnswer } from '../stream/kept-answer.ts'
import { openLogAnswer, type NoLogAnswer } from '../stream/log-answer.ts'
import { survivingSource } from '../stream/surviving-source.ts'
import { within } from '../within.ts'
import { goOnPrivately } from './go-on-privately.ts'
import { jobOf, mayShareHere, type SharedRequest } from './generation-job.ts'

/** How long the client waits. */
type Patience = Pick<WholePatience, 'signal' | 'endsByMs'>

/** What an isolate of 128 MB holds of one answer, to finish it if its log is lost; longer ones are read on, or break. */
const MAX_HELD_CHARACTERS = 512 * 1024

/** Outcomes in which something is served that was finished before the request. */
const REPLAYED: ReadonlySet<AnswerFacts['outcome']> = new Set(['hit', 'extended'])

/** Outcomes in which the answer is made for this request. */
const MADE: ReadonlySet<AnswerFacts['outcome']> = new Set(['miss', 'refresh'])

/** Fails with `not_cached`, `idempotency_key_conflict`, or with what the shard's own dispatch failed with. */
export async function lookUp(
  context: Fingerprinted,
  edge: Edge,
  patience: Patience,
): Promise<Result<LookedUp, GatewayError>> {
  const { sharing } = context
  const { signal } = patience
  if (sharing.kind === 'private') return withoutLog(context, sharing.detail)
  const request: SharedRequest = { ...context, sharing }

  if (!(await isClaimed(request, edge))) return err({ reason: 'idempotency_key_conflict' })
  const copy = copyInMemory(request, edge)
  if (copy !== undefined) return ok({ ...context, shared: copy })
  const answer = await firstOf(request, edge, patience)
  if (answer.ok) {
    const isOld = REPLAYED.has(answer.value.facts.outcome) && !isLive(sharing.lease, edge.runtime.now())
    if (!isOld) return ok({ ...context, shared: answer.value })
    // A purge may have returned in the meantime: what was known before it is not served after it.
    answer.value.source.cancel()
    edge.waitUntil(letGo(request, edge))
    return withoutLog(context, 'no_lease')
  }
  const { error } = answer
  if (signal.aborted) return err({ reason: 'client_cancelled' })
  switch (error.reason) {
    case 'broken':
    case 'gone':
      return withoutLog(context, 'shard_unreachable')
    case 'busy':
      return withoutLog(context, 'shard_busy')
    case 'config_unavailable':
      // The shard's config is not ours: for whom nothing is at stake, the answer is made here.
      return context.placement.restricted ? err(error) : withoutLog(context, 'shard_unreachable')
    default:
      return err(error)
  }
}

/** The request does without: it is made here, for this reader alone. */
function withoutLog(context: Fingerprinted, detail: PrivateReason): Result<LookedUp, GatewayError> {
  if (context.narrowing.cache.onlyIfCached) return err({ reason: 'not_cached' })
  return ok({ ...context, sharing: { kind: 'private', detail } })
}

/** Whether the client's Idempotency-Key, if it sent one, stands for this request. One that cannot be asked for does. */
async function isClaimed({ sharing, edgeRegion, placement }: SharedRequest, edge: Edge): Promise<boolean> {
  const { claim } = sharing
  if (claim === undefined) return true
  const { home } = claim
  const { log } = edge.mesh.config
  const shard = edge.stubs.logShard(home, shardOf(claim.name, log.shards_per_home))
  try {
    const answer = travelTo(home, edgeRegion, edge.mesh.regions, edge.runtime).then(() =>
      shard.claim(claim.name, claim.request, withinRetention(placement, log.idempotency_ttl_seconds)),
    )
    return (await within(answer, log.open_within_ms)) ?? true
  } catch {
    return true
  }
}

function copyInMemory(request: SharedRequest, edge: Edge): Answer | undefined {
  const { fingerprint } = request.sharing
  if (!request.narrowing.cache.read) {
    edge.answers.forget(fingerprint)
    return undefined
  }
  if (!mayShareHere(request) || !isLive(request.sharing.lease, edge.runtime.now())) return undefined
  const kept = edge.answers.remembered(fingerprint, edge.runtime.now())
  return kept === undefined ? undefined : hitOf(kept, request, edge)
}

function hitOf(kept: KeptLog, request: SharedRequest, edge: Edge): Answer | undefined {
  const nowMs = edge.runtime.now()
  const { tokenLimit } = request.generation
  const reader = readerOf(jobOf(request), edge.mesh, nowMs)
  if (readLog(kept.log, kept.life, reader) !== 'hit') return undefined
  return { facts: factsOfLog(kept, 'hit', nowMs), source: keptAnswer(kept, tokenLimit) }
}

/** KV never delays a miss: what the shard says counts, unless KV has had the answer before. */
async function firstOf(
  request: SharedRequest,
  edge: Edge,
  patience: Patience,
): Promise<Result<Answer, NoLogAnswer>> {
  const { sharing, placement, narrowing } = request
  const mayBeInKv = placement.storage === 'anywhere' && narrowing.cache.read && sharing.alone === undefined
  if (!mayBeInKv) return fromShard(request, edge, patience)
  // KV may be slow, or down in a way that does not say so.
  const copy = within(fromKv(request, edge), edge.mesh.config.log.open_within_ms)
  if (edge.answers.hasComeFromKv(sharing.fingerprint)) {
    const known = await copy
    if (known !== undefined) return ok(known)
  }
  const given = new AbortController()
  const signal = AbortSignal.any([patience.signal, given.signal])
  const shard = fromShard(request, edge, { ...patience, signal })
  const first = await Promise.race([
    shard.then((answer) => (answer.ok ? answer : copy.then((known) => (known ? ok(known) : answer)))),
    copy.then((known) => (known === undefined ? shard : ok(known))),
  ])
  const isFromKv = first.ok && first.value.take === undefined
  if (isFromKv) {
    // The shard has begun to do the same for this reader.
    given.abort()
    edge.waitUntil(shard.then((late) => (late.ok ? late.value.source.cancel() : undefined)))
    edge.waitUntil(letGo(request, edge))
  }
  return first
}

/**
 * Tells a shard that nobody reads what it has begun for this request: that a stream was cancelled it notices at its next write
 * only, by which time a pool may have generated an answer for nobody. What cannot be reached ends by itself.
 */
async function letGo(
  { sharing: { home, fingerprint }, run }: Pick<SharedRequest, 'sharing' | 'run'>,
  edge: Edge,
): Promise<void> {
  const shard = shardOf(fingerprint, edge.mesh.config.log.shards_per_home)
  await edge.stubs
    .logShard(home, shard)
    .detach(run)
    .catch(() => undefined)
}

/** The same, of a request that may have none. */
export async function leaveLog({ sharing, run }: Fingerprinted, edge: Edge): Promise<void> {
  if (sharing.kind === 'shared') await letGo({ sharing, run }, edge)
}

async function fromKv(request: SharedRequest, edge: Edge): Promise<Answer | undefined> {
  const { fingerprint, lease } = request.sharing
  const kept = await edge.answers.fetch(fingerprint, lease.wrappedKey)
  if (kept === undefined) return undefined
  if (mayShareHere(request)) edge.answers.remember(fingerprint, kept)
  return hitOf(kept, request, edge)
}

async function fromShard(
  request: SharedRequest,
  edge: Edge,
  patience: Patience,
): Promise<Result<Answer, NoLogAnswer>> {
  const stream = await openShard(request, edge)
  if (stream === undefined) return err({ reason: 'broken' })
  const { fingerprint } = request.sharing
  const answer = await openLogAnswer(stream, {
    signal: patience.signal,
    runtime: edge.runtime,
    onCopy: (kept) => edge.answers.remember(fingerprint, kept),
  })
  if (!answer.ok) return answer
  const { facts, take, source } = answer.value
  const { generation } = request
  const goOn = goOnPrivately(request, edge, patience)
  return ok({
    facts,
    take,
    source: survivingSource(source, {
      surface: generation.surface,
      mayContinue: goOn !== undefined,
      onLost: (tokens) => chargeLost(request, facts, tokens, edge),
      maxCharacters: Math.min(MAX_HELD_CHARACTERS, edge.mesh.config.limits.max_log_bytes),
      async readOn(events) {
        const again = await openShard(request, edge, { take, events })
        if (again === undefined) return undefined
        const opened = await openLogAnswer(again, { signal: patience.signal, runtime: edge.runtime })
        return opened.ok ? opened.value.source : undefined
      },
      goOn: (begun) => goOn?.(begun) ?? Promise.resolve(undefined),
    }),
  })
}

/** A shard that is lost cannot settle what it used a pool for: for whom it was made, it is charged with what came. */
function chargeLost(
  request: SharedRequest,
  { outcome, pool: id }: AnswerFacts,
  tokens: number,
  edge: Edge,
): void {
  const pool = edge.mesh.config.pools.find((each) => each.id === id)
  if (pool === undefined || !MADE.has(outcome)) return
  const { promptTokens } = request.reserved
  request.charge.use({
    pool: pool.id,
    price: pool.price,
    outcome: 'truncated',
    pools: 1,
    seen: { promptTokens, completionTokens: tokens },
  })
}

/** Undefined where the shard does not take the job in time. */
async function openShard(
  request: SharedRequest,
  edge: Edge,
  resumed?: { readonly take: string; readonly events: number },
): Promise<ReadableStream<Uint8Array> | undefined> {
  const { log } = edge.mesh.config
  const { home, fingerprint } = request.sharing
  try {
    const job = { ...jobOf(request), ...(resumed === undefined ? {} : { resumed }) }
    const opened = travelTo(home, request.edgeRegion, edge.mesh.regions, edge.runtime).then(() =>
      edge.stubs.logShard(home, shardOf(fingerprint, log.shards_per_home)).open(job),
    )
    const stream = await within(opened, log.open_within_ms)
    // A stream that comes too late must not keep a generation alive for nobody.
    if (stream === undefined) {
      const orphaned = opened.then((orphan) => Promise.all([orphan.cancel(), letGo(request, edge)]))
      edge.waitUntil(orphaned.catch(() => undefined))
    }
    return stream
  } catch {
    // Overloaded, unreachable, restarted or not permitted here: the request does without.
    return undefined
  }
}
