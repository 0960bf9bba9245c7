/** How long a request's client waits: until it leaves, or until the deadline it set. */
import type { GatewayError } from '../shared/errors.ts'
import type { Fingerprinted } from './contexts.ts'
import type { Edge } from './edge.ts'
import type { AnswerSource } from './stream/answer-source.ts'
import { withDeadline } from './stream/with-deadline.ts'

export interface Patience {
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
  /** Aborted when the client has left, or its deadline has passed. */
  readonly signal: AbortSignal
  /** Holds a source to the client's deadline, if it set one; a pool's answer keeps `endsByMs` by itself. */
  limit(source: AnswerSource): AnswerSource
  /** Tells a client that gave up from one whose deadline passed. */
  explain(error: GatewayError): GatewayError
}

export function patienceOf(context: Fingerprinted, edge: Edge): Patience {
  const { runtime, mesh } = edge
  const { timeoutMs } = context.narrowing
  const endsByMs = context.receivedAtMs + (timeoutMs ?? mesh.config.limits.total_ms)
  const left = context.request.signal
  if (timeoutMs === undefined) {
    return { endsByMs, signal: left, limit: (source) => source, explain: (error) => error }
  }
  const deadline = AbortSignal.timeout(Math.max(0, endsByMs - runtime.now()))
  return {
    endsByMs,
    signal: AbortSignal.any([left, deadline]),
    limit: (source) => withDeadline(source, endsByMs, runtime),
    explain: (error) =>
      error.reason === 'client_cancelled' && deadline.aborted ? { reason: 'pool_timeout' } : error,
  }
}
