/** Decides, from headers alone and before the body is read, whether a request may be processed where it arrived. */
import type { GatewayError } from '../errors.ts'
import type { Result } from '../result.ts'
import { err, ok } from '../result.ts'
import type { Region, Tenant } from '../schema/mesh.ts'
import type { Arrival } from './arrival.ts'
import { jurisdictionOfArrival } from './arrival.ts'
import { bareHost } from './host-name.ts'

/**
 * Refuses an arrival outside what the tenant's `terminate` allows: every list given has to be satisfied, and what
 * is unknown satisfies none. The error names the first configured host, which is where the client should go.
 */
export function checkTermination(
  tenant: Tenant,
  arrival: Arrival,
  regions: readonly Region[],
): Result<undefined, GatewayError> {
  const { terminate } = tenant
  if (terminate === undefined) return ok(undefined)
  const allowed =
    isListed(jurisdictionOfArrival(arrival, regions), terminate.jurisdictions) &&
    isListed(arrival.colo, terminate.colos) &&
    isListed(bareHost(arrival.host), terminate.hosts?.map(bareHost))
  if (allowed) return ok(undefined)
  const host = terminate.hosts?.[0]
  return err({ reason: 'termination_not_allowed', ...(host === undefined ? {} : { host }) })
}

function isListed(value: string | undefined, list: readonly string[] | undefined): boolean {
  return list === undefined || (value !== undefined && list.includes(value))
}
