/** What has no route: 404, and 405 where only the method is wrong. */
import type { Handler, NotFoundHandler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'

export const notFound: NotFoundHandler<AppVariables> = () => failed({ reason: 'not_found' })

export function methodNotAllowed(allow: string): Handler<AppVariables> {
  return () => failed({ reason: 'method_not_allowed', allow })
}
