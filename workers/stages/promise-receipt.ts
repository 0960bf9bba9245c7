/**
 * Whether the answer gets a receipt: decided before anything is asked of a pool, so that nobody who needs one pays for an
 * answer without it.
 */
import type { GatewayError } from '../../shared/errors.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Arrived, PromisedReceipt } from '../contexts.ts'
import type { Edge } from '../edge.ts'

/**
 * Without `receipt` where none is wanted. `isStream`: its receipt is fetched afterwards, and kept until then in the tenant's
 * home. Fails with `receipt_not_available`, or `storage_not_available` where the tenant has no home.
 */
export function promiseReceipt(
  { tenant, narrowing }: Pick<Arrived, 'tenant' | 'narrowing'>,
  isStream: boolean,
  { mesh, signer }: Pick<Edge, 'mesh' | 'signer'>,
): Result<{ readonly receipt?: PromisedReceipt }, GatewayError> {
  if (tenant.receipts !== 'always' && !narrowing.wantsReceipt) return ok({})
  if (signer === undefined) return err({ reason: 'receipt_not_available', because: 'no_key' })
  if (!isStream) return ok({ receipt: { signer } })
  const keptIn = tenantHome(tenant, mesh.config, mesh.mode)
  return keptIn === undefined ? err({ reason: 'storage_not_available' }) : ok({ receipt: { signer, keptIn } })
}
