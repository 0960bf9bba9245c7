/** GET /v1/usage: what the key has used. */
import type { Handler } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import { identify } from '../stages/authenticate.ts'
import { askUsage, readUsageQuery, usageBody } from '../usage.ts'

export const showUsage: Handler<AppVariables> = async (context) => {
  const edge = context.get('edge')
  const { headers } = context.req.raw
  const arrival = edge.runtime.arrivalOf(context.req.raw)
  const configVersion = await edge.mesh.configVersion()
  const identity = await identify({ headers, arrival, configVersion }, edge)
  if (!identity.ok) return failed(identity.error)
  const read = readUsageQuery((name) => context.req.query(name), edge.runtime.now())
  if (!read.ok) return failed(read.error)
  const { tenant, keyId } = identity.value
  const query = { ...read.value, key: keyId }
  const report = await askUsage(tenant, query, edge)
  if (!report.ok) return failed(report.error)
  const key = tenant.keys.find(({ id }) => id === keyId) ?? tenant
  return context.json(usageBody(key, query, report.value), 200, { 'cache-control': 'no-store' })
}
