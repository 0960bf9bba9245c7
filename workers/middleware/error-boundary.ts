/** The last resort: a broken invariant becomes a 500 that says nothing of it, and a log line that says only where. */
import type { ErrorHandler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import { logInternalError } from '../internal-error.ts'

export const respondToError: ErrorHandler<AppVariables> = (error, context) => {
  logInternalError(error, context.get('requestId'), context.get('edge').runtime)
  return failed({ reason: 'internal_error' })
}
