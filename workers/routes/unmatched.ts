/** What has no route: 404, and 405 where only the method is wrong. */
import type { Handler, Hono, NotFoundHandler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'

export const notFound: NotFoundHandler<AppVariables> = () => failed({ reason: 'not_found' })

export function methodNotAllowed(allow: string): Handler<AppVariables> {
  return () => failed({ reason: 'method_not_allowed', allow })
}

/** Gives every path that some methods have a route for a 405 for all others. To be called when all routes are there. */
export function refuseOtherMethods(app: Hono<AppVariables>): void {
  const methodsByPath = new Map<string, Set<string>>()
  for (const { path, method } of app.routes) {
    // ALL is middleware: a route names its method.
    if (method !== 'ALL') methodsByPath.set(path, (methodsByPath.get(path) ?? new Set()).add(method))
  }
  for (const [path, methods] of methodsByPath) app.all(path, methodNotAllowed([...methods].join(', ')))
}
