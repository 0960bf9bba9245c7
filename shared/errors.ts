/**
 * Every way a request can fail, as one tagged union, and the one place that gives each its status, its code and
 * its sentence. Sentences are built from codes, positions and names of ours: never from an exception, a pool's
 * text, a URL, or a key name or value taken from the client's body.
 */
import { ACCESS_ROWS, type AccessError } from './access-errors.ts'
import { CONFIG_ROWS, type ConfigError } from './config-errors.ts'
import { after, bad, forbidden, NO_RETRY, RETRY, server, type ErrorType, type Row } from './error-row.ts'

export type GatewayError =
  // What the client sent
  | { readonly reason: 'invalid_json'; readonly position?: number }
  | { readonly reason: 'invalid_utf8' }
  | { readonly reason: 'duplicate_key'; readonly position: number }
  | { readonly reason: 'body_too_deep'; readonly maxDepth: number }
  | { readonly reason: 'body_incomplete' }
  | { readonly reason: 'body_too_slow' }
  | { readonly reason: 'body_too_large'; readonly maxBytes: number }
  | { readonly reason: 'unsupported_media_type' }
  | { readonly reason: 'missing_parameter'; readonly param: string }
  /** `param` is a path of our own schema's names and positions; `expected` a phrase such as "a number from 0 to 2". */
  | { readonly reason: 'invalid_parameter'; readonly param: string; readonly expected: string }
  /** `param` only when the name is one of ours; otherwise the place, 1-based, among the members of `where`. */
  | {
      readonly reason: 'unsupported_parameter'
      readonly param?: string
      readonly where?: string
      readonly position?: number
    }
  | { readonly reason: 'invalid_header'; readonly header: string; readonly expected: string }
  | { readonly reason: 'context_length_exceeded' }
  | { readonly reason: 'pool_rejected_request' }
  // Who sent it, and where it arrived
  | AccessError
  | { readonly reason: 'termination_not_allowed'; readonly host?: string }
  | { readonly reason: 'residency_violation' }
  | { readonly reason: 'storage_not_available' }
  /** Of embeddings there is none; and without a key nothing can be signed. */
  | { readonly reason: 'receipt_not_available'; readonly because: 'no_key' | 'embeddings' }
  // What was asked for
  | { readonly reason: 'not_found' }
  | { readonly reason: 'method_not_allowed'; readonly allow: string }
  | { readonly reason: 'model_not_found' }
  | { readonly reason: 'not_cached' }
  | { readonly reason: 'run_not_found' }
  | { readonly reason: 'receipt_not_found' }
  | { readonly reason: 'idempotency_key_conflict' }
  | { readonly reason: 'request_quarantined' }
  // What the tenant, or the key, may use
  /** `retryAfterSeconds` may be Infinity: then asking again cannot help. */
  | {
      readonly reason: 'rate_limit_exceeded'
      readonly limit: 'requests' | 'tokens' | 'concurrent' | 'reserved'
      readonly retryAfterSeconds: number
    }
  | { readonly reason: 'insufficient_quota' }
  | { readonly reason: 'limits_unavailable' }
  | ConfigError
  // What we, or the pools, cannot do now
  | { readonly reason: 'edge_busy' }
  | { readonly reason: 'config_unavailable' }
  | { readonly reason: 'audit_unavailable' }
  | { readonly reason: 'signing_not_available' }
  | { readonly reason: 'run_unavailable' }
  | { readonly reason: 'no_eligible_pool'; readonly retryAfterSeconds: number }
  | { readonly reason: 'pool_timeout' }
  /** A pool refuses our credentials or does not know the model it is configured to serve. */
  | { readonly reason: 'pool_misconfigured' }
  | { readonly reason: 'client_cancelled' }
  | { readonly reason: 'internal_error' }
  // What can only happen after the answer began
  | { readonly reason: 'stream_truncated' }
  | { readonly reason: 'stream_stalled' }
  | { readonly reason: 'pool_stream_error' }
  | { readonly reason: 'total_timeout' }

export type ErrorReason = GatewayError['reason']

/** What goes on the wire for one error. */
export interface WireError {
  readonly status: number
  readonly body: {
    readonly error: {
      readonly message: string
      readonly type: ErrorType
      readonly param: string | null
      readonly code: ErrorReason
    }
  }
  /** Response headers besides the common ones; `x-should-retry` steers the SDKs' automatic retries. */
  readonly headers: Readonly<Record<string, string>>
}

/** Gives an error its status, code and sentence. */
export function toWire(error: GatewayError): WireError {
  // The table's type pairs every reason with its own arm, which indexing by a union cannot express.
  const row = (ROWS[error.reason] as (error: GatewayError) => Row)(error)
  return {
    status: row.status,
    body: {
      error: { message: row.message, type: row.type, param: row.param ?? null, code: error.reason },
    },
    headers: row.headers ?? {},
  }
}

/** Whether a value that came from another isolate, perhaps of another version, is an error this one can tell of. */
export function isGatewayError(value: unknown): value is GatewayError {
  return (
    typeof value === 'object' &&
    value !== null &&
    'reason' in value &&
    typeof value.reason === 'string' &&
    Object.hasOwn(ROWS, value.reason)
  )
}

type RowOf<R extends ErrorReason> = (error: Extract<GatewayError, { readonly reason: R }>) => Row

/** Total: the compiler finds the arm that is missing. */
const ROWS: { readonly [R in ErrorReason]: RowOf<R> } = {
  invalid_json: ({ position }) =>
    bad(
      position === undefined
        ? 'The body is not valid JSON.'
        : `The body is not valid JSON: the mistake is at character ${position}.`,
    ),
  invalid_utf8: () => bad('The body is not valid UTF-8. Send JSON encoded as UTF-8.'),
  duplicate_key: ({ position }) =>
    bad(`An object in the body names the same key twice, at character ${position}. Send each key once.`),
  body_too_deep: ({ maxDepth }) =>
    bad(`The body is nested too deeply. At most ${maxDepth} levels are accepted.`),
  // What was cut on its way, or held up there, is likely to come through the next time.
  body_incomplete: () => ({
    ...bad('The body ended before it was complete. Send the request again.'),
    headers: RETRY,
  }),
  body_too_slow: () => ({
    ...bad('The body took too long to arrive. Send the request again.'),
    status: 408,
    headers: RETRY,
  }),
  body_too_large: ({ maxBytes }) => ({
    ...bad(`The body is too large. At most ${maxBytes} bytes are accepted.`),
    status: 413,
  }),
  unsupported_media_type: () => ({
    ...bad('Send the body as JSON, with the header content-type: application/json, not compressed.'),
    status: 415,
  }),
  missing_parameter: ({ param }) => bad(`The parameter '${param}' is required.`, param),
  invalid_parameter: ({ param, expected }) => bad(`The parameter '${param}' must be ${expected}.`, param),
  unsupported_parameter: (error) => bad(unsupportedSentence(error), error.param),
  invalid_header: ({ header, expected }) => bad(`The header '${header}' must be ${expected}.`),
  context_length_exceeded: () =>
    bad("The prompt and the requested output do not fit into the model's context.", 'messages'),
  pool_rejected_request: () =>
    bad('The model server refused this request as invalid. Check the values of its parameters.'),
  ...ACCESS_ROWS,
  termination_not_allowed: ({ host }) =>
    forbidden(
      host === undefined
        ? 'This request arrived at a place where it may not be processed.'
        : `This request arrived at a place where it may not be processed. Send it to ${host}.`,
    ),
  residency_violation: () =>
    forbidden('The residency rules leave no place where this request may be processed.'),
  storage_not_available: () => forbidden('The residency rules leave no place where this may be stored.'),
  receipt_not_available: ({ because }) =>
    bad(
      because === 'no_key'
        ? 'This mesh has no key to sign receipts with.'
        : 'Receipts are given for chat completions and completions only.',
    ),
  not_found: () => ({ ...bad('There is nothing at this path.'), status: 404 }),
  method_not_allowed: ({ allow }) => ({
    ...bad(`This path does not take this method. Use ${allow}.`),
    status: 405,
    headers: { allow },
  }),
  model_not_found: () => ({
    ...bad('The model does not exist, or this key may not use it. GET /v1/models lists what it may use.'),
    status: 404,
    param: 'model',
  }),
  not_cached: () => ({
    ...server(504, 'The answer is not cached, and only a cached one was asked for.'),
    headers: NO_RETRY,
  }),
  run_not_found: () => ({
    ...bad('There is no such run: it is not yours, or it has expired.'),
    status: 404,
  }),
  receipt_not_found: () => ({
    ...bad('There is no such receipt: none was asked for, it is not yours, or it has expired.'),
    status: 404,
  }),
  // SDKs retry a 409 by themselves, which can only meet the same conflict again.
  idempotency_key_conflict: () => ({
    ...bad('This Idempotency-Key was used with another request. Use a new key for a new request.'),
    status: 409,
    headers: NO_RETRY,
  }),
  request_quarantined: () => ({
    ...bad('Two pools failed while they worked on this request. It is refused for a while.'),
    status: 422,
    headers: NO_RETRY,
  }),
  rate_limit_exceeded: ({ limit, retryAfterSeconds }) => ({
    status: 429,
    type: 'rate_limit_error',
    message: LIMIT_SENTENCES[limit],
    headers: after(retryAfterSeconds),
  }),
  // SDKs retry a 429 by themselves, and it would be refused until the period is over, or the budget raised.
  insufficient_quota: () => ({
    status: 429,
    type: 'insufficient_quota',
    message: 'The budget is spent. Ask your operator to raise it, or wait for its next period.',
    headers: NO_RETRY,
  }),
  limits_unavailable: () => ({
    ...server(503, 'What this key may still use could not be confirmed. Try again shortly.'),
    headers: after(1),
  }),
  ...CONFIG_ROWS,
  edge_busy: () => ({
    ...server(503, 'This edge is handling too many large bodies at once.'),
    headers: after(1),
  }),
  config_unavailable: () => ({
    ...server(503, 'The current configuration could not be confirmed. Try again shortly.'),
    headers: after(1),
  }),
  audit_unavailable: () => ({
    ...server(
      503,
      'The audit log could not be reached, and without it nothing is answered. Try again shortly.',
    ),
    headers: after(1),
  }),
  signing_not_available: () => ({
    ...server(503, 'This mesh has no key to sign with. Set the secret MESH_RECEIPT_KEY.'),
    headers: NO_RETRY,
  }),
  run_unavailable: () => ({
    ...server(503, 'The run could not be reached. Try again shortly.'),
    headers: after(1),
  }),
  no_eligible_pool: ({ retryAfterSeconds }) => ({
    ...server(503, 'None of the pools that may serve this request is available.'),
    headers: after(retryAfterSeconds),
  }),
  pool_timeout: () => server(504, 'No pool began to answer in time.'),
  pool_misconfigured: () => ({
    ...server(502, 'The pool is not set up to serve this model. Tell the operator.'),
    headers: NO_RETRY,
  }),
  client_cancelled: () => ({ ...server(499, 'The client closed the connection.'), headers: NO_RETRY }),
  internal_error: () =>
    server(500, 'Something went wrong on our side. Quote the request id when you report it.'),
  stream_truncated: () => server(502, 'The pool closed the stream before the answer was complete.'),
  stream_stalled: () => server(504, 'The pool stopped sending before the answer was complete.'),
  pool_stream_error: () => server(502, 'The pool reported an error before the answer was complete.'),
  // The same request takes the same time again, and the pool's with it.
  total_timeout: () => ({
    ...server(504, 'The answer was not complete within the time allowed.'),
    headers: NO_RETRY,
  }),
}

const LIMIT_SENTENCES = {
  requests: 'The limit on requests per minute is reached. Send fewer, or wait.',
  tokens: 'The limit on tokens per minute is reached. Send less, or wait.',
  concurrent: 'As many requests as are allowed at once are being answered. Wait for one to end.',
  reserved:
    'What is left of the budget is set aside for requests that are being answered. Wait for one to end.',
} as const

function unsupportedSentence(error: { param?: string; where?: string; position?: number }): string {
  if (error.param !== undefined) return `The parameter '${error.param}' is not accepted here. Remove it.`
  const place = error.position === undefined ? '' : ` (number ${error.position})`
  return `${error.where ?? 'The body'} has a parameter${place} that is not accepted here. Remove it.`
}
