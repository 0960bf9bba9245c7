/**
 * The one module through which requests leave: pools today, probes and webhooks later. It never follows a
 * redirect (a pool in one jurisdiction could send the prompt to another: `fetch` re-posts the body on a 307), goes
 * only to hosts that were allowed when the Worker was deployed, and holds every call to a deadline.
 */
import { err, ok, type Result } from '../../shared/result.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import type { Runtime } from '../runtime.ts'

/** Low-cardinality outcome of a call that got no usable answer. */
export type CallFailure = 'host_not_allowed' | 'unreachable' | 'timeout' | 'redirect' | 'cancelled'

export interface OutgoingCall {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Hosts (with port) this call may go to. */
  readonly allowedHosts: ReadonlySet<string>
  /** Milliseconds until the answer's headers must be here. */
  readonly headersWithinMs: number
  /** Aborting it ends the call, or the answer's stream, and closes the connection. */
  readonly abort: AbortController
  /** Sends through a private binding in place of the public network. */
  readonly through?: Fetcher
  readonly from: Region
}

/** Calls out and resolves with the answer's headers; the body is the caller's to read, within its own deadlines. */
export async function callOut(call: OutgoingCall, runtime: Runtime): Promise<Result<Response, CallFailure>> {
  if (!call.allowedHosts.has(new URL(call.url).host)) return err('host_not_allowed')
  if (call.abort.signal.aborted) return err('cancelled')

  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    call.abort.abort()
  }, call.headersWithinMs)
  try {
    const init: RequestInit = {
      method: call.method,
      headers: call.headers,
      redirect: 'manual',
      signal: call.abort.signal,
      ...(call.body === undefined ? {} : { body: call.body }),
    }
    const response = await (call.through === undefined
      ? runtime.send(call.url, init, call.from)
      : call.through.fetch(call.url, init))
    if (isLate) {
      // Its headers were on their way when the time was over; its body is cut off.
      await response.body?.cancel().catch(() => undefined)
      return err('timeout')
    }
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      return err('redirect')
    }
    return ok(response)
  } catch {
    // What fetch throws can quote the URL; only its kind leaves this function.
    if (isLate) return err('timeout')
    return err(call.abort.signal.aborted ? 'cancelled' : 'unreachable')
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Reads at most `maxBytes` of a body as text, for at most `withinMs` milliseconds, and closes the connection. For error
 * bodies, which are read for their kind and never shown.
 */
export async function readBeginning(response: Response, maxBytes: number, withinMs: number): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  // Ends a read that waits, too.
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), withinMs)
  const decoder = new TextDecoder()
  let text = ''
  let readBytes = 0
  try {
    while (readBytes < maxBytes) {
      const { done, value } = await reader.read()
      if (done) break
      readBytes += value.byteLength
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    // A body that breaks off still has a beginning.
  }
  clearTimeout(timer)
  await reader.cancel().catch(() => undefined)
  return text
}
