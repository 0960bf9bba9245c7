/** Refusals as llama.cpp's `llama-server` words and shapes them. */

export interface ServerError {
  readonly status: number
  readonly type: string
  readonly message: string
  /** Members beside the usual three. */
  readonly more?: Readonly<Record<string, number>>
}

export function invalidRequest(message: string): ServerError {
  return { status: 400, type: 'invalid_request_error', message }
}

/** 500, not 400: llama-server does not tell a client's broken JSON from a failure of its own. */
export function malformedJson(): ServerError {
  return {
    status: 500,
    type: 'server_error',
    message: '[json.exception.parse_error.101] parse error: the body is not valid JSON',
  }
}

export function wrongType(field: string, expected: string): ServerError {
  return invalidRequest(`Field '${field}': [json.exception.type_error.302] type must be ${expected}`)
}

export function contextTooLong(promptTokens: number, contextTokens: number): ServerError {
  return {
    status: 400,
    type: 'exceed_context_size_error',
    message:
      `request (${promptTokens} tokens) exceeds the available context size (${contextTokens} tokens), ` +
      'try increasing it',
    more: { n_prompt_tokens: promptTokens, n_ctx: contextTokens },
  }
}

export function noSuchRoute(): ServerError {
  return { status: 404, type: 'not_found_error', message: 'File Not Found' }
}

export function failed(status: number, message: string): ServerError {
  return { status, type: 'server_error', message }
}

export function errorBody({ status: code, message, type, more }: ServerError): object {
  return { error: { code, message, type, ...more } }
}
