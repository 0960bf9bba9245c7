/** Which permission each path of the administration asks for. What is not listed is the admin token's alone. */
import type { Permission } from './role.ts'

export interface NeededPermission {
  readonly permission: Permission
  /** Whose; absent for what is of the mesh as a whole. */
  readonly tenant?: string
}

/** Method, path below /admin/v1, permission. `*` stands for one part of a path, `{tenant}` for one that names a tenant. */
export const ADMIN_PERMISSIONS: readonly (readonly [string, string, Permission])[] = [
  ['GET', '/config', 'see'],
  ['GET', '/config/history', 'see'],
  ['POST', '/config/validate', 'see'],
  ['POST', '/config/diff', 'see'],
  ['GET', '/pools', 'see'],
  ['GET', '/metrics', 'see'],
  ['POST', '/pools/*/drain', 'operate'],
  ['DELETE', '/pools/*/drain', 'operate'],
  ['POST', '/route/explain', 'see'],
  ['POST', '/residency/explain', 'see'],
  ['POST', '/tenants/{tenant}/purge', 'manage'],
  ['GET', '/tenants/{tenant}/keys', 'manage'],
  ['POST', '/tenants/{tenant}/keys', 'manage'],
  ['POST', '/tenants/{tenant}/keys/*/rotate', 'manage'],
  ['DELETE', '/tenants/{tenant}/keys/*', 'manage'],
  ['GET', '/tenants/{tenant}/usage', 'account'],
  ['GET', '/tenants/{tenant}/audit', 'audit'],
  ['GET', '/tenants/{tenant}/audit/export', 'audit'],
]

/** Undefined where only the admin token opens. `path`: below /admin/v1, without a query. */
export function neededPermission(method: string, path: string): NeededPermission | undefined {
  const parts = partsOf(path)
  // Whoever may GET may ask for the head of it.
  const verb = method === 'HEAD' ? 'GET' : method
  for (const [listed, pattern, permission] of ADMIN_PERMISSIONS) {
    const wanted = partsOf(pattern)
    if (listed !== verb || wanted.length !== parts.length) continue
    if (!wanted.every((want, at) => want === '*' || want === '{tenant}' || want === parts[at])) continue
    const tenant = parts[wanted.indexOf('{tenant}')]
    return { permission, ...(tenant === undefined ? {} : { tenant }) }
  }
  return undefined
}

function partsOf(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}
