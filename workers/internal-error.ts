/** The log line of a broken invariant, wherever it was noticed. */
import type { Runtime } from './runtime.ts'

/** Messages can quote what was being read (V8's JSON errors do), so only the error's class is logged. */
export function logInternalError(error: unknown, requestId: string, runtime: Runtime): void {
  const name = error instanceof Error ? error.name : typeof error
  runtime.log({ event: 'internal_error', request_id: requestId, class: name })
}
