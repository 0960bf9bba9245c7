/** Refuses what would be served under a config that nobody can confirm. */
import type { MiddlewareHandler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'

export const requireConfig: MiddlewareHandler<AppVariables> = async (context, next) => {
  if (context.get('edge').configExpiresAtMs === -Infinity) return failed({ reason: 'config_unavailable' })
  await next()
  return undefined
}
