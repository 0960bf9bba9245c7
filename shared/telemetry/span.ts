/**
 * A request as spans of a trace, in the JSON of OTLP 1.x (opentelemetry-proto, trace.proto) and with the names of OpenTelemetry's
 * semantic conventions for generative AI. Values are ids of the config, words of the mesh, counts and times.
 */
import { OPERATIONS, type CountedRequest } from '../metrics/count-request.ts'
import type { TraceIds } from './trace-parent.ts'

/** What of a request is told. What is not known of it is left out. */
export interface TracedRequest extends CountedRequest {
  readonly ids: TraceIds
  readonly requestId: string
  readonly receivedAtMs: number
  readonly status: number
  readonly jurisdiction?: string | undefined
  readonly edgeRegion: string
  readonly colo?: string | undefined
  readonly config: string
  readonly modelVersion?: string | undefined
  /** Of the pool. */
  readonly dialect?: string | undefined
  readonly poolRegion?: string | undefined
  readonly stream?: boolean | undefined
}

export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  /** Whole numbers of 64 bits are text in this JSON. */
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code?: number }
}

export interface Attribute {
  readonly key: string
  readonly value:
    { readonly stringValue: string } | { readonly intValue: string } | { readonly boolValue: boolean }
}

/** `SpanKind` and `StatusCode` of trace.proto. */
const KIND_SERVER = 2
const KIND_CLIENT = 3
const STATUS_ERROR = 2

/** `gen_ai.provider.name` where the conventions have another word than the config's dialects. */
const PROVIDERS: Readonly<Record<string, string>> = { azure: 'azure.ai.openai' }

/** Answers that were made for this request, by the pool that is named. */
const MADE: ReadonlySet<string | undefined> = new Set(['miss', 'refresh', 'bypass'])

/** The request's own span and, where its times are known, that of the pool which began the answer. */
export function spansOf(request: TracedRequest): readonly Span[] {
  const { ids, surface, model, receivedAtMs, totalMs } = request
  const operation = OPERATIONS[surface]
  const own: Span = {
    traceId: ids.traceId,
    spanId: ids.spanId,
    ...(ids.parentSpanId === undefined ? {} : { parentSpanId: ids.parentSpanId }),
    name: model === undefined ? operation : `${operation} ${model}`,
    kind: KIND_SERVER,
    startTimeUnixNano: nanos(receivedAtMs),
    endTimeUnixNano: nanos(receivedAtMs + Math.max(0, totalMs)),
    attributes: attributesOf({
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': providerOf(request),
      'gen_ai.request.model': model,
      'gen_ai.response.model': request.cache === undefined ? undefined : model,
      'gen_ai.usage.input_tokens': request.usage?.promptTokens,
      'gen_ai.usage.output_tokens': request.usage?.completionTokens,
      'gen_ai.usage.cache_read.input_tokens': request.usage?.cachedTokens,
      'error.type': errorOf(request),
      'http.response.status_code': request.status,
      'warmpath.request_id': request.requestId,
      'warmpath.tenant': request.tenant,
      'warmpath.outcome': request.outcome,
      'warmpath.cache': request.cache,
      'warmpath.cache_detail': request.cacheDetail,
      'warmpath.jurisdiction': request.jurisdiction,
      'warmpath.region': request.edgeRegion,
      'warmpath.colo': request.colo,
      'warmpath.config': request.config,
      'warmpath.model_version': request.modelVersion,
      'warmpath.stream': request.stream,
      'warmpath.pool': request.pool,
      'warmpath.pool_region': request.poolRegion,
      'warmpath.attempts': request.attempts,
    }),
    status: isFault(request) ? { code: STATUS_ERROR } : {},
  }
  const pool = poolSpan(request)
  return pool === undefined ? [own] : [own, pool]
}

/** Whether something went wrong that is not the client's doing. */
export function isFault({ status, outcome, error }: TracedRequest): boolean {
  if (outcome === 'client_cancelled') return false
  // An error in the middle of an answer comes after its status.
  return status >= 500 || (status < 400 && (error !== undefined || outcome !== 'completed'))
}

function errorOf({ outcome, error }: TracedRequest): string | undefined {
  return error ?? (outcome === 'completed' ? undefined : outcome)
}

function providerOf({ dialect }: TracedRequest): string | undefined {
  return dialect === undefined ? undefined : (PROVIDERS[dialect] ?? dialect)
}

/** From asking the pool to its first token, where that was at this edge, now. */
function poolSpan(request: TracedRequest): Span | undefined {
  const { ids, surface, pool, cache, receivedAtMs, firstTokenMs, poolFirstTokenMs } = request
  if (surface === 'embeddings' || pool === undefined || !MADE.has(cache)) return undefined
  if (firstTokenMs === undefined || poolFirstTokenMs === undefined) return undefined
  const endMs = receivedAtMs + Math.max(0, firstTokenMs)
  return {
    traceId: ids.traceId,
    spanId: ids.poolSpanId,
    parentSpanId: ids.spanId,
    name: 'first_token',
    kind: KIND_CLIENT,
    startTimeUnixNano: nanos(Math.max(receivedAtMs, endMs - Math.max(0, poolFirstTokenMs))),
    endTimeUnixNano: nanos(endMs),
    attributes: attributesOf({
      'gen_ai.operation.name': OPERATIONS[surface],
      'gen_ai.provider.name': providerOf(request),
      'gen_ai.request.model': request.model,
      'warmpath.pool': pool,
      'warmpath.pool_region': request.poolRegion,
    }),
    status: {},
  }
}

function nanos(ms: number): string {
  return `${BigInt(Math.round(ms)) * 1_000_000n}`
}

function attributesOf(
  values: Readonly<Record<string, string | number | boolean | undefined>>,
): readonly Attribute[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: attributeValue(value) }],
  )
}

function attributeValue(value: string | number | boolean): Attribute['value'] {
  if (typeof value === 'string') return { stringValue: value }
  return typeof value === 'boolean' ? { boolValue: value } : { intValue: String(value) }
}
