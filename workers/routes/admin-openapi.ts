/** /admin/v1/openapi.json and /admin/v1/docs: what can be called. They tell nothing of this mesh, and need no token. */
import { Hono } from 'hono'
import document from '../../docs/openapi.json'
import { openApiPage } from '../../shared/openapi/page.ts'
import type { AppVariables } from '../app-variables.ts'

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

export function adminOpenApiRoutes(): Hono<AppVariables> {
  const routes = new Hono<AppVariables>()
  routes.get('/openapi.json', () => Response.json(document, { headers: { 'cache-control': 'no-store' } }))
  routes.get('/docs', () => new Response(openApiPage(document), { headers: PAGE_HEADERS }))
  return routes
}
