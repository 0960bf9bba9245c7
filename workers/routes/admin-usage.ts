/** /admin/v1/tenants/{tenant}/usage: what a tenant has used, as JSON or as CSV. */
import type { Handler } from 'hono'
import { usageCsv } from '../../shared/ledger/usage-csv.ts'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import { askUsage, readUsageQuery, usageBody } from '../usage.ts'

const FORMATS = ['json', 'csv']

export const showTenantUsage: Handler<AppVariables, '/tenants/:tenant/usage'> = async (context) => {
  const edge = context.get('edge')
  const tenant = edge.mesh.tenants.get(context.req.param('tenant'))
  if (tenant === undefined) return failed({ reason: 'not_found' })
  const format = context.req.query('format') ?? 'json'
  if (!FORMATS.includes(format)) {
    return failed({ reason: 'invalid_parameter', param: 'format', expected: 'json or csv' })
  }
  const query = readUsageQuery((name) => context.req.query(name), edge.runtime.now())
  if (!query.ok) return failed(query.error)
  const report = await askUsage(tenant, query.value, edge)
  if (!report.ok) return failed(report.error)
  if (format === 'json') {
    return context.json(usageBody(tenant, query.value, report.value), 200, { 'cache-control': 'no-store' })
  }
  return context.body(usageCsv(query.value.groupBy, report.value.rows), 200, {
    'content-type': 'text/csv; charset=utf-8',
    'cache-control': 'no-store',
    // A list that was cut must not pass for a whole one.
    'x-mesh-is-cut': String(report.value.isCut),
  })
}
