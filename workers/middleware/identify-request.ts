/** Gives every request its id and the edge to work with, and every response the headers that all of them carry. */
import type { MiddlewareHandler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { createAuditTrail } from '../audit/audit-trail.ts'
import type { Isolate } from '../edge.ts'
import type { ConfigLease } from '../stores/config-leases.ts'
import { monitorLink } from '../stores/monitor-link.ts'

const CLIENT_REQUEST_ID = /^[\x21-\x7e]{1,128}$/

export function identifyRequest(isolate: Isolate): MiddlewareHandler<AppVariables> {
  return async function identify(context, next) {
    const requestId = `req_${isolate.runtime.randomHex(12)}`
    const { executionCtx } = context
    context.set('requestId', requestId)
    const waitUntil = (work: Promise<unknown>): void => executionCtx.waitUntil(work)
    const { host } = new URL(context.req.url)
    const lease = await leaseFor(context.req.path, isolate, host, waitUntil)
    const mesh = lease?.mesh ?? isolate.mesh
    context.set('edge', {
      ...isolate,
      mesh,
      waitUntil,
      monitor: monitorLink(isolate.exchange, host, waitUntil),
      host,
      configExpiresAtMs: lease?.expiresAtMs ?? -Infinity,
      trail: createAuditTrail(isolate.audit, { mesh, runtime: isolate.runtime }, waitUntil),
    })
    await next()
    const { headers } = context.res
    headers.set('x-request-id', requestId)
    if (lease !== undefined) headers.set('x-mesh-config', await lease.mesh.configVersion())
    const clientRequestId = context.req.header('x-client-request-id')
    if (clientRequestId !== undefined && CLIENT_REQUEST_ID.test(clientRequestId)) {
      headers.set('x-client-request-id', clientRequestId)
    }
  }
}

/** Whether the isolate is well, and what its keys are, hangs on no config: nobody waits for one to learn that. */
function leaseFor(
  path: string,
  { mesh, configs }: Isolate,
  host: string,
  waitUntil: (work: Promise<unknown>) => void,
): Promise<ConfigLease | undefined> {
  const isServing = path.startsWith('/v1/') || path.startsWith('/admin/')
  const isStored = mesh.config.config.source === 'store'
  return isStored && !isServing ? Promise.resolve(undefined) : configs.hold(host, waitUntil)
}
