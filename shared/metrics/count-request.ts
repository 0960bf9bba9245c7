/** Counts one request that has ended, from its record. What is counted is in words of ours and names of the config. */
import type { CacheOutcome } from '../cache/cache-status.ts'
import type { Surface } from '../log/frame.ts'
import { increment, observe, type Counts } from './counts.ts'

/** What of a request is counted. What is not known of it is left out. */
export interface CountedRequest {
  readonly surface: Surface | 'embeddings'
  /** Ids of the config: what a client says is none before it was found there. */
  readonly tenant?: string | undefined
  readonly model?: string | undefined
  /** How it ended: an outcome of an answer, or an error's code. */
  readonly outcome: string
  readonly error?: string | undefined
  readonly cache?: CacheOutcome['word'] | 'resumed' | undefined
  /** Why the cache was not asked. */
  readonly cacheDetail?: string | undefined
  readonly pool?: string | undefined
  /** Pools that made it, in order. */
  readonly pools?: readonly string[] | undefined
  readonly attempts?: number | undefined
  readonly usage?: RequestUsage | undefined
  /** From asking the pool to its first token. */
  readonly poolFirstTokenMs?: number | undefined
  /** From its arrival to the beginning of its answer, at the edge. */
  readonly firstTokenMs?: number | undefined
  readonly totalMs: number
  /** What it cost here, and saved. */
  readonly microdollars?: number | undefined
  readonly savedMicrodollars?: number | undefined
}

interface RequestUsage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly cachedTokens?: number | undefined
}

/** Names of the OpenTelemetry semantic conventions for generative AI (`gen_ai.operation.name`). */
export const OPERATIONS = {
  chat: 'chat',
  completions: 'text_completion',
  embeddings: 'embeddings',
} as const

/** The log could not be asked: somebody else may be making the same answer. */
const UNSHARED: ReadonlySet<string> = new Set(['shard_unreachable', 'shard_busy'])

export function countRequest(counts: Counts, request: CountedRequest): void {
  const { tenant, model, surface, outcome, error, cache } = request
  const operation = OPERATIONS[surface]
  increment(counts, 'mesh_requests_total', { tenant, model, surface, outcome })
  countMoney(counts, request)
  if (error !== undefined) increment(counts, 'mesh_refusals_total', { tenant, reason: error })
  const isEndedWell = outcome === 'completed' && error === undefined
  observe(
    counts,
    'gen_ai_server_request_duration_seconds',
    {
      gen_ai_operation_name: operation,
      gen_ai_request_model: model,
      error_type: isEndedWell ? undefined : (error ?? outcome),
    },
    request.totalMs,
  )
  if (cache === undefined) return
  const detail = cache === 'bypass' ? request.cacheDetail : undefined
  increment(counts, 'mesh_cache_outcomes_total', { model, outcome: cache, detail })
  // It was counted when it was asked for, and nothing of it is saved or made now.
  if (cache === 'resumed') return
  if (request.firstTokenMs !== undefined && surface !== 'embeddings') {
    const labels = { gen_ai_operation_name: operation, gen_ai_request_model: model, cache }
    observe(counts, 'gen_ai_server_time_to_first_token_seconds', labels, request.firstTokenMs)
  }
  countTokens(counts, request, cache)
  // What is said of the pools of a shared answer was counted where it was made.
  if (cache !== 'hit' && cache !== 'coalesced') countMaking(counts, request, cache)
}

/** Whoever calls a pool counts what that cost; of a shared answer its log's shard does. */
function countMoney(counts: Counts, request: CountedRequest): void {
  const { tenant, model, pool, microdollars = 0, savedMicrodollars = 0 } = request
  increment(counts, 'mesh_cost_microdollars_total', { tenant, model, pool }, microdollars)
  increment(counts, 'mesh_saved_microdollars_total', { tenant, model }, savedMicrodollars)
}

function countTokens(
  counts: Counts,
  { tenant, model, usage }: CountedRequest,
  cache: CacheOutcome['word'],
): void {
  if (usage === undefined) return
  const byType = [
    ['input', usage.promptTokens],
    ['output', usage.completionTokens],
  ] as const
  for (const [type, tokens] of byType) {
    if (cache === 'hit' || cache === 'coalesced') {
      increment(counts, 'mesh_tokens_saved_total', { tenant, model, type, by: cache }, tokens)
    } else increment(counts, 'mesh_tokens_computed_total', { tenant, model, type }, tokens)
  }
  if (cache === 'hit' || cache === 'coalesced') return
  increment(counts, 'mesh_tokens_cached_total', { tenant, model }, usage.cachedTokens ?? 0)
}

function countMaking(counts: Counts, request: CountedRequest, cache: CacheOutcome['word']): void {
  const { model, surface, pool, pools = [], attempts, usage, poolFirstTokenMs, firstTokenMs } = request
  if (attempts !== undefined) {
    increment(counts, 'mesh_attempts_total', { model }, attempts)
    increment(counts, 'mesh_retries_total', { model }, attempts - 1)
  }
  const { cacheDetail } = request
  if (cacheDetail !== undefined && UNSHARED.has(cacheDetail)) {
    increment(counts, 'mesh_possible_duplicates_total', { model, reason: cacheDetail })
  }
  // An extended answer's first pools had their part in it long ago.
  if (cache !== 'extended') {
    increment(counts, 'mesh_failovers_total', { model, pool: pools[0] ?? pool }, pools.length - 1)
  }
  if (surface === 'embeddings' || poolFirstTokenMs === undefined || cache === 'extended') return
  observe(counts, 'mesh_pool_time_to_first_token_seconds', { model, pool }, poolFirstTokenMs)
  if (firstTokenMs === undefined) return
  if (attempts === 1) observe(counts, 'mesh_overhead_seconds', { model }, firstTokenMs - poolFirstTokenMs)
  const after = (usage?.completionTokens ?? 0) - 1
  if (request.outcome !== 'completed' || after < 1) return
  const labels = { gen_ai_operation_name: OPERATIONS[surface], gen_ai_request_model: model }
  const perTokenMs = (request.totalMs - firstTokenMs) / after
  observe(counts, 'gen_ai_server_time_per_output_token_seconds', labels, perTokenMs)
}
