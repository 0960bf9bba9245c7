/** How long a request's client waits: until it leaves, or until its deadline, which is the config's unless it set one. */
import type { GatewayError } from '../shared/errors.ts'
import type { Received } from './contexts.ts'
import type { Edge } from './edge.ts'
import type { AnswerSource } from './stream/answer-source.ts'
import { withDeadline } from './stream/with-deadline.ts'

export interface Patience {
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
  /** Aborted when the client has left, or its deadline has passed. */
  readonly signal: AbortSignal
  /** The client has left: for when its stream shows that, which the request's own signal need not once a stream has begun. */
  leave(): void
  /** Holds a log's answer to the deadline, whatever its shard does; a pool's answer keeps `endsByMs` by itself. */
  limit(source: AnswerSource): AnswerSource
  /** Tells a client that gave up from one whose deadline passed. */
  explain(error: GatewayError): GatewayError
}

export function patienceOf(
  context: Pick<Received, 'request' | 'receivedAtMs' | 'narrowing'>,
  edge: Edge,
): Patience {
  const { runtime, mesh } = edge
  const endsByMs = context.receivedAtMs + (context.narrowing.timeoutMs ?? mesh.config.limits.total_ms)
  const deadline = AbortSignal.timeout(Math.max(0, endsByMs - runtime.now()))
  const leaving = new AbortController()
  return {
    endsByMs,
    signal: AbortSignal.any([context.request.signal, deadline, leaving.signal]),
    leave: () => leaving.abort(),
    limit: (source) => withDeadline(source, { endsByMs }, runtime),
    explain: (error) =>
      error.reason === 'client_cancelled' && deadline.aborted ? { reason: 'pool_timeout' } : error,
  }
}
