/** Renders a GatewayError as a response: the one envelope, wherever the error came from. */
import { toWire, type GatewayError } from '../shared/errors.ts'

export function failed(error: GatewayError, headers: Readonly<Record<string, string>> = {}): Response {
  return failedWith(error, {}, headers)
}

/** With members beside the error, for an operator. */
export function failedWith(
  error: GatewayError,
  more: object,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const wire = toWire(error)
  return Response.json(
    { ...wire.body, ...more },
    { status: wire.status, headers: { ...headers, ...wire.headers, 'cache-control': 'no-store' } },
  )
}
