/** Whether a tenant has an audit log, and what waits for it. */
import { isRestrictedTenant } from '../residency/tenant-limits.ts'
import type { Tenant } from '../schema/mesh.ts'

/** `batched`: entries are handed over behind requests. `strict`: no answer begins before its decision is kept. */
export type AuditWord = NonNullable<Tenant['audit']>

/** What the config says; where it says nothing, a tenant that is bound to some places is audited and costs others nothing. */
export function auditWordOf(tenant: Tenant): AuditWord {
  return tenant.audit ?? (isRestrictedTenant(tenant) ? 'batched' : 'off')
}
