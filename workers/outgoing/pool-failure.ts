/** How a pool fails a request before it begins to answer, and what a refusal's status says of it. */
import type { GatewayError } from '../../shared/errors.ts'
import type { PoolAdapter, PoolFault } from '../adapters/adapter.ts'
import { readBeginning, type CallFailure } from './call.ts'

export type PoolFailure =
  /** The pool's fault: another one may do better. */
  | {
      readonly kind: 'fault'
      readonly fault: 'unreachable' | 'timeout' | 'redirect' | 'server_error'
      /** It broke off while it worked on the request, which may be why. */
      readonly died?: boolean
    }
  | { readonly kind: 'saturated'; readonly status: number; readonly retryAfterMs?: number }
  /** The request's fault, or the config's, or its time is over: no other pool is asked. */
  | { readonly kind: 'final'; readonly error: GatewayError }
  | { readonly kind: 'cancelled' }

/** Error bodies are read for their kind only; a context error's sentence is within the first hundreds of bytes. */
const MAX_ERROR_BODY_BYTES = 16 * 1024
/** A refusal that does not say at once why is judged by its status. */
const MAX_ERROR_BODY_MS = 1000
/**
 * A connection that is refused fails within a round trip, of at most some 300 ms on this planet; one that breaks later had
 * a process at its other end that was working.
 */
const CONNECTED_AFTER_MS = 500

/** `tookMs`: from the call to its failure. */
export function failureOfCall(failure: Exclude<CallFailure, 'timeout'>, tookMs: number): PoolFailure {
  if (failure === 'cancelled') return { kind: 'cancelled' }
  if (failure === 'host_not_allowed') return { kind: 'final', error: { reason: 'pool_misconfigured' } }
  const died = failure === 'unreachable' && tookMs > CONNECTED_AFTER_MS
  return { kind: 'fault', fault: failure, died }
}

export async function failureOfStatus(response: Response, adapter: PoolAdapter): Promise<PoolFailure> {
  const { status, headers } = response
  const body = await readBeginning(response, MAX_ERROR_BODY_BYTES, MAX_ERROR_BODY_MS)
  return failureOfFault(adapter.readError(status, body), { status, ...retryAfter(headers) })
}

/**
 * What a fault means that the first event of a stream told. Some servers queue and check a request only when its 200 is
 * sent already; nobody but the pool itself is full there.
 */
export function failureOfEvent(fault: PoolFault): PoolFailure {
  const failure = failureOfFault(fault, { status: 503 })
  return failure.kind === 'fault' ? { ...failure, died: true } : failure
}

function failureOfFault(fault: PoolFault, told: { status: number; retryAfterMs?: number }): PoolFailure {
  switch (fault.kind) {
    case 'context_length':
      return { kind: 'final', error: { reason: 'context_length_exceeded' } }
    case 'rejected':
      return { kind: 'final', error: { reason: 'pool_rejected_request' } }
    case 'misconfigured':
      return { kind: 'final', error: { reason: 'pool_misconfigured' } }
    case 'saturated':
      return { kind: 'saturated', ...told }
    case 'unavailable':
      return { kind: 'fault', fault: 'server_error' }
  }
}

function retryAfter(headers: Headers): { retryAfterMs?: number } {
  const seconds = Number.parseFloat(headers.get('retry-after') ?? '')
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}
}
