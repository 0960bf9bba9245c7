/**
 * Every way a request can fail, as one tagged union, and the one place that gives each its status, its code and
 * its sentence. Sentences are built from codes, positions and names of ours: never from an exception, a pool's
 * text, a URL, or a key name or value taken from the client's body.
 */

export type GatewayError =
  // What the client sent
  | { readonly reason: 'invalid_json'; readonly position?: number }
  | { readonly reason: 'invalid_utf8' }
  | { readonly reason: 'duplicate_key'; readonly position: number }
  | { readonly reason: 'body_too_deep'; readonly maxDepth: number }
  | { readonly reason: 'body_incomplete' }
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
  | { readonly reason: 'missing_api_key' }
  | { readonly reason: 'invalid_api_key' }
  | { readonly reason: 'admin_unauthorized' }
  | { readonly reason: 'termination_not_allowed'; readonly host?: string }
  | { readonly reason: 'residency_violation' }
  | { readonly reason: 'storage_not_available' }
  // What was asked for
  | { readonly reason: 'not_found' }
  | { readonly reason: 'method_not_allowed'; readonly allow: string }
  | { readonly reason: 'model_not_found' }
  | { readonly reason: 'not_cached' }
  // What we, or the pools, cannot do now
  | { readonly reason: 'edge_busy' }
  | { readonly reason: 'config_unavailable' }
  | { readonly reason: 'no_eligible_pool'; readonly retryAfterSeconds: number }
  | { readonly reason: 'pool_timeout' }
  | { readonly reason: 'client_cancelled' }
  | { readonly reason: 'internal_error' }
  // What can only happen after the answer began
  | { readonly reason: 'stream_truncated' }
  | { readonly reason: 'stream_stalled' }
  | { readonly reason: 'pool_stream_error' }
  | { readonly reason: 'total_timeout' }

export type ErrorReason = GatewayError['reason']

/** OpenAI's error types, which SDKs map to their typed exceptions together with the status. */
export type ErrorType = 'invalid_request_error' | 'authentication_error' | 'permission_error' | 'server_error'

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

interface Row {
  readonly status: number
  readonly type: ErrorType
  readonly message: string
  readonly param?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** SDKs retry 408, 409, 429 and 5xx by themselves; where a retry cannot help, we say so. */
const NO_RETRY = { 'x-should-retry': 'false' } as const

/** Gives an error its status, code and sentence. Total: the compiler finds the arm that is missing. */
export function toWire(error: GatewayError): WireError {
  const row = rowOf(error)
  return {
    status: row.status,
    body: {
      error: { message: row.message, type: row.type, param: row.param ?? null, code: error.reason },
    },
    headers: row.headers ?? {},
  }
}

function rowOf(error: GatewayError): Row {
  switch (error.reason) {
    case 'invalid_json':
      return bad(
        error.position === undefined
          ? 'The body is not valid JSON.'
          : `The body is not valid JSON: the mistake is at character ${error.position}.`,
      )
    case 'invalid_utf8':
      return bad('The body is not valid UTF-8. Send JSON encoded as UTF-8.')
    case 'duplicate_key':
      return bad(
        `An object in the body names the same key twice, at character ${error.position}. Send each key once.`,
      )
    case 'body_too_deep':
      return bad(`The body is nested too deeply. At most ${error.maxDepth} levels are accepted.`)
    case 'body_incomplete':
      return bad('The body ended before it was complete. Send the request again.')
    case 'body_too_large':
      return { ...bad(`The body is too large. At most ${error.maxBytes} bytes are accepted.`), status: 413 }
    case 'unsupported_media_type':
      return {
        ...bad('Send the body as JSON, with the header content-type: application/json, not compressed.'),
        status: 415,
      }
    case 'missing_parameter':
      return bad(`The parameter '${error.param}' is required.`, error.param)
    case 'invalid_parameter':
      return bad(`The parameter '${error.param}' must be ${error.expected}.`, error.param)
    case 'unsupported_parameter':
      return bad(unsupportedSentence(error), error.param)
    case 'invalid_header':
      return bad(`The header '${error.header}' must be ${error.expected}.`)
    case 'context_length_exceeded':
      return bad("The prompt and the requested output do not fit into the model's context.", 'messages')
    case 'pool_rejected_request':
      return bad('The model server refused this request as invalid. Check the values of its parameters.')
    case 'missing_api_key':
      return auth('No API key was sent. Send the header Authorization: Bearer YOUR_KEY.')
    case 'invalid_api_key':
      return auth('The API key is not valid.')
    case 'admin_unauthorized':
      return auth('The admin token is missing or not valid.')
    case 'termination_not_allowed':
      return forbidden(
        error.host === undefined
          ? 'This request arrived at a place where it may not be processed.'
          : `This request arrived at a place where it may not be processed. Send it to ${error.host}.`,
      )
    case 'residency_violation':
      return forbidden('The residency rules leave no place where this request may be processed.')
    case 'storage_not_available':
      return forbidden('The residency rules leave no place where this may be stored.')
    case 'not_found':
      return { ...bad('There is nothing at this path.'), status: 404 }
    case 'method_not_allowed':
      return {
        ...bad(`This path does not take this method. Use ${error.allow}.`),
        status: 405,
        headers: { allow: error.allow },
      }
    case 'model_not_found':
      return {
        ...bad('The model does not exist, or this key may not use it. GET /v1/models lists what it may use.'),
        status: 404,
        param: 'model',
      }
    case 'not_cached':
      return {
        ...server(504, 'The answer is not cached, and only a cached one was asked for.'),
        headers: NO_RETRY,
      }
    case 'edge_busy':
      return { ...server(503, 'This edge is handling too many large bodies at once.'), headers: after(1) }
    case 'config_unavailable':
      return {
        ...server(503, 'The current configuration could not be confirmed. Try again shortly.'),
        headers: after(1),
      }
    case 'no_eligible_pool':
      return {
        ...server(503, 'None of the pools that may serve this request is available.'),
        headers: after(error.retryAfterSeconds),
      }
    case 'pool_timeout':
      return server(504, 'No pool began to answer in time.')
    case 'client_cancelled':
      return { ...server(499, 'The client closed the connection.'), headers: NO_RETRY }
    case 'internal_error':
      return server(500, 'Something went wrong on our side. Quote the request id when you report it.')
    case 'stream_truncated':
      return server(502, 'The pool closed the stream before the answer was complete.')
    case 'stream_stalled':
      return server(504, 'The pool stopped sending before the answer was complete.')
    case 'pool_stream_error':
      return server(502, 'The pool reported an error before the answer was complete.')
    case 'total_timeout':
      return server(504, 'The answer was not complete within the time allowed.')
  }
}

function unsupportedSentence(error: { param?: string; where?: string; position?: number }): string {
  if (error.param !== undefined) return `The parameter '${error.param}' is not accepted here. Remove it.`
  const place = error.position === undefined ? '' : ` (number ${error.position})`
  return `${error.where ?? 'The body'} has a parameter${place} that is not accepted here. Remove it.`
}

function bad(message: string, param?: string): Row {
  return { status: 400, type: 'invalid_request_error', message, ...(param === undefined ? {} : { param }) }
}

function auth(message: string): Row {
  return { status: 401, type: 'authentication_error', message, headers: { 'www-authenticate': 'Bearer' } }
}

function forbidden(message: string): Row {
  return { status: 403, type: 'permission_error', message, headers: NO_RETRY }
}

function server(status: number, message: string): Row {
  return { status, type: 'server_error', message }
}

/** OpenAI's SDKs honour Retry-After only up to 60 s, Anthropic's sleep any value: never send more. */
function after(seconds: number): Record<string, string> {
  return { 'retry-after': String(Math.min(60, Math.max(1, Math.ceil(seconds)))) }
}
