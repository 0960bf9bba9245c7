/** The last resort: a broken invariant becomes a 500 that says nothing of it, and a log line that says only where. */
import type { ErrorHandler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'

export const respondToError: ErrorHandler<AppVariables> = (error, context) => {
  const { runtime } = context.get('edge')
  // Messages can quote what was being read (V8's JSON errors do), so only the error's class is logged.
  runtime.log({ event: 'internal_error', request_id: context.get('requestId'), class: error.name })
  return failed({ reason: 'internal_error' })
}
