/** The lease a request acts under after it has waited for something: its own while that is live, else a new one. */
import { isLive, type Lease } from '../shared/lease/lease.ts'
import type { Authenticated } from './contexts.ts'
import type { Edge } from './edge.ts'

/**
 * A body may have taken longer than the lease lived, and a purge may have come in between: under the old epoch the
 * request would still find what was purged.
 */
export async function liveLease(
  context: Pick<Authenticated, 'lease' | 'tenant' | 'configVersion'>,
  edge: Edge,
): Promise<Lease | undefined> {
  const { lease, tenant, configVersion } = context
  if (lease === undefined || isLive(lease, edge.runtime.now())) return lease
  const held = await edge.leases.hold(tenant, configVersion, edge.waitUntil)
  return held.kind === 'held' ? held.lease : undefined
}
