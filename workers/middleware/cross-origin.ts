/** Lets the web pages call that the config names, and answers nobody's preflight where it names none. */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { AppVariables } from '../app-variables.ts'

export function crossOrigin(exposeHeaders: readonly string[]): MiddlewareHandler<AppVariables> {
  return (context, next) => {
    const { origins } = context.get('edge').mesh.config.cors
    if (origins.length === 0) return next()
    return cors({ origin: [...origins], exposeHeaders: [...exposeHeaders] })(context, next)
  }
}
