/** Every metric that is counted: its type, its labels in order, and where its buckets end. A new one is a row here. */

export interface CounterDefinition {
  readonly help: string
  readonly labels: readonly string[]
}

export interface HistogramDefinition extends CounterDefinition {
  /** Upper ends of the buckets, in seconds, ascending; the last bucket has none. */
  readonly buckets: readonly number[]
}

/** OpenTelemetry semantic conventions, generative AI metrics: the advised boundaries of each of the three. */
const REQUEST_SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
] as const
const FIRST_TOKEN_SECONDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const
const PER_TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5] as const
/** What the mesh adds itself: milliseconds. */
const OVERHEAD_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] as const

export const COUNTERS = {
  mesh_requests_total: {
    help: 'Requests that have ended, by how.',
    labels: ['tenant', 'model', 'surface', 'outcome'],
  },
  mesh_refusals_total: {
    help: 'Requests that got an error in place of an answer, by its code.',
    labels: ['tenant', 'reason'],
  },
  mesh_cache_outcomes_total: {
    help: 'Answers that have begun, by what the cache did for them.',
    labels: ['model', 'outcome', 'detail'],
  },
  mesh_attempts_total: {
    help: 'Pools asked for answers that have begun.',
    labels: ['model'],
  },
  mesh_retries_total: {
    help: 'Of those, the ones after the first.',
    labels: ['model'],
  },
  mesh_failovers_total: {
    help: 'Times that another pool went on with an answer that had begun, by the pool that began it.',
    labels: ['model', 'pool'],
  },
  mesh_possible_duplicates_total: {
    help: 'Answers made apart because their log could not be asked: perhaps a second time.',
    labels: ['model', 'reason'],
  },
  mesh_tokens_computed_total: {
    help: 'Tokens of answers that pools made, those of their prompts included.',
    labels: ['tenant', 'model', 'type'],
  },
  mesh_tokens_cached_total: {
    help: 'Of those, prompt tokens that pools say they had in their own caches.',
    labels: ['tenant', 'model'],
  },
  mesh_tokens_saved_total: {
    help: 'Tokens of answers that no pool was asked for.',
    labels: ['tenant', 'model', 'type', 'by'],
  },
  mesh_cost_microdollars_total: {
    help: 'What pools were used for, in millionths of a dollar, by the prices of the config.',
    labels: ['tenant', 'model', 'pool'],
  },
  mesh_saved_microdollars_total: {
    help: 'What caches and joined generations saved, in millionths of a dollar.',
    labels: ['tenant', 'model'],
  },
  mesh_spans_total: {
    help: 'Spans for exporters of traces, by what became of them.',
    labels: ['exporter', 'outcome'],
  },
} as const satisfies Readonly<Record<string, CounterDefinition>>

export const HISTOGRAMS = {
  gen_ai_server_request_duration_seconds: {
    help: 'From the arrival of a request to the end of its answer, or to its refusal.',
    labels: ['gen_ai_operation_name', 'gen_ai_request_model', 'error_type'],
    buckets: REQUEST_SECONDS,
  },
  gen_ai_server_time_to_first_token_seconds: {
    help: 'From the arrival of a request to the first token of its answer, as the edge has it.',
    labels: ['gen_ai_operation_name', 'gen_ai_request_model', 'cache'],
    buckets: FIRST_TOKEN_SECONDS,
  },
  gen_ai_server_time_per_output_token_seconds: {
    help: 'Time per token after the first, of whole answers that a pool made.',
    labels: ['gen_ai_operation_name', 'gen_ai_request_model'],
    buckets: PER_TOKEN_SECONDS,
  },
  mesh_pool_time_to_first_token_seconds: {
    help: 'From asking a pool to its first token.',
    labels: ['model', 'pool'],
    buckets: FIRST_TOKEN_SECONDS,
  },
  mesh_overhead_seconds: {
    help: 'Time to the first token less the pool’s part of it, where the first pool asked has answered.',
    labels: ['model'],
    buckets: OVERHEAD_SECONDS,
  },
} as const satisfies Readonly<Record<string, HistogramDefinition>>

export type CounterName = keyof typeof COUNTERS
export type HistogramName = keyof typeof HISTOGRAMS

/** The labels of a metric that it needs to be counted under; one without a value is left out. */
export type LabelsOf<Definition extends CounterDefinition> = Readonly<
  Record<Definition['labels'][number], string | undefined>
>
