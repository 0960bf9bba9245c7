/** Third stage: whether the request arrived where it may, decided from the headers alone, before the body. */
import type { GatewayError } from '../../shared/errors.ts'
import { edgeRegionOf } from '../../shared/residency/arrival.ts'
import { checkTermination } from '../../shared/residency/termination.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { Arrived, Authenticated } from '../contexts.ts'
import type { Edge } from '../edge.ts'

/** Fails with `termination_not_allowed`. */
export function checkArrival(context: Authenticated, edge: Edge): Result<Arrived, GatewayError> {
  const { regions } = edge.mesh.config
  const termination = checkTermination(context.tenant, context.arrival, regions)
  if (!termination.ok) return termination
  return ok({ ...context, edgeRegion: edgeRegionOf(context.arrival, regions) })
}
