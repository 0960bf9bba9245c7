/** What an error is on the wire, before it has a code: its status and its sentence, and the usual kinds of both. */

/** OpenAI's error types, which SDKs map to their typed exceptions together with the status. */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'insufficient_quota'
  | 'server_error'

export interface Row {
  readonly status: number
  readonly type: ErrorType
  readonly message: string
  readonly param?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * SDKs retry 408, 409, 429 and 5xx by themselves, other statuses not. Every reason with such a status says whether a retry can help,
 * and so do the others where a reader of the status alone could be wrong.
 */
export const RETRY = { 'x-should-retry': 'true' } as const
export const NO_RETRY = { 'x-should-retry': 'false' } as const
/** OpenAI's SDKs honour Retry-After only up to here, Anthropic's sleep any value: never send more. */
const MAX_RETRY_AFTER_SECONDS = 60

/** A part of the table, for these errors. */
export type RowsOf<Errors extends { readonly reason: string }> = {
  readonly [R in Errors['reason']]: (error: Extract<Errors, { readonly reason: R }>) => Row
}

export function bad(message: string, param?: string): Row {
  return { status: 400, type: 'invalid_request_error', message, ...(param === undefined ? {} : { param }) }
}

export function auth(message: string): Row {
  return { status: 401, type: 'authentication_error', message, headers: { 'www-authenticate': 'Bearer' } }
}

export function forbidden(message: string): Row {
  return { status: 403, type: 'permission_error', message, headers: NO_RETRY }
}

/** Another try may go to another pool, another isolate, or find this one better off; where it cannot, the row says so. */
export function server(status: number, message: string): Row {
  return { status, type: 'server_error', message, headers: RETRY }
}

/** What helps only later than an SDK can be told to wait is not to be tried before, again and again: the application decides. */
export function after(seconds: number): Record<string, string> {
  const told = Math.min(MAX_RETRY_AFTER_SECONDS, Math.max(1, Math.ceil(seconds)))
  return { 'retry-after': String(told), ...(seconds > MAX_RETRY_AFTER_SECONDS ? NO_RETRY : RETRY) }
}
