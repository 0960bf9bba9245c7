/** /admin/v1: what the operator may see and do, behind tokens of its own. */
import { Hono } from 'hono'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import { requireAdmin } from '../access/require-admin.ts'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import { adminAuditRoutes } from './admin-audit.ts'
import { adminKeyRoutes } from './admin-keys.ts'
import { adminConfigRoutes } from './admin-config.ts'
import { adminOpenApiRoutes } from './admin-openapi.ts'
import { adminPoolRoutes } from './admin-pools.ts'
import { adminResidencyRoutes } from './admin-residency.ts'
import { adminRouteRoutes } from './admin-route.ts'
import { showTenantUsage } from './admin-usage.ts'
import { refuseOtherMethods } from './unmatched.ts'
import { showMetrics } from './metrics.ts'

export function adminRoutes(): Hono<AppVariables> {
  const admin = new Hono<AppVariables>()
  admin.route('/', adminOpenApiRoutes())
  admin.use(requireAdmin)

  admin.get('/metrics', showMetrics)
  admin.route('/config', adminConfigRoutes())
  admin.route('/pools', adminPoolRoutes())
  admin.route('/route', adminRouteRoutes())
  admin.route('/residency', adminResidencyRoutes())
  admin.route('/tenants', adminKeyRoutes())
  admin.route('/tenants', adminAuditRoutes())

  admin.get('/tenants/:tenant/usage', showTenantUsage)

  /** Returns when nothing cached before the call can be served any more. */
  admin.post('/tenants/:tenant/purge', async (context) => {
    const { mesh, stubs, keys } = context.get('edge')
    const tenant = mesh.tenants.get(context.req.param('tenant'))
    if (tenant === undefined) return failed({ reason: 'not_found' })
    const home = tenantHome(tenant, mesh.config, mesh.mode)
    if (home === undefined) return failed({ reason: 'storage_not_available' })
    const { objectName } = await keys.of(tenant.id)
    return context.json({ epoch: await stubs.tenantLedger(home, objectName).raiseEpoch() })
  })
  refuseOtherMethods(admin)
  return admin
}
