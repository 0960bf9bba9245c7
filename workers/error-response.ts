/** Renders a GatewayError as a response: the one envelope, wherever the error came from. */
import { toWire, type GatewayError } from '../shared/errors.ts'

export function failed(error: GatewayError, headers: Readonly<Record<string, string>> = {}): Response {
  const wire = toWire(error)
  return Response.json(wire.body, {
    status: wire.status,
    headers: { ...headers, ...wire.headers, 'cache-control': 'no-store' },
  })
}
