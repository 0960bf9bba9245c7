/** Who may do what in the administration of a mesh. */

export const ROLES = ['viewer', 'operator', 'tenant-admin', 'auditor'] as const

export type Role = (typeof ROLES)[number]

/**
 * `see`: what the mesh is and measures. `operate`: change it for everybody. `manage`: a tenant's keys and cached answers.
 * `account`: what a tenant has used and spent. `audit`: who did what, and where requests went.
 */
export type Permission = 'see' | 'operate' | 'manage' | 'account' | 'audit'

/** Whoever has proven who they are. */
export interface Principal {
  /** For logs: `token`, or the issuer and a keyed digest of the subject. Never a name or an address. */
  readonly who: string
  /** `root` holds the admin token, and may everything. */
  readonly role: Role | 'root'
  /** Only this tenant's; undefined: every one's. */
  readonly tenant?: string
}

/** Operators do not read audit logs, and auditors change nothing: neither covers for the other. */
const PERMISSIONS: Readonly<Record<Role, ReadonlySet<Permission>>> = {
  viewer: new Set(['see', 'account']),
  operator: new Set(['see', 'operate', 'manage', 'account']),
  'tenant-admin': new Set(['manage', 'account', 'audit']),
  auditor: new Set(['see', 'account', 'audit']),
}

/** @param tenant whose; undefined for what is of the mesh as a whole, which nobody may who is bound to one tenant */
export function isPermitted(principal: Principal, permission: Permission, tenant?: string): boolean {
  const { role } = principal
  if (role === 'root') return true
  if (principal.tenant !== undefined && principal.tenant !== tenant) return false
  return PERMISSIONS[role].has(permission)
}
