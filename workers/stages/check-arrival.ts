/** Third stage: whether the request arrived where it may, decided from the headers alone, before the body. */
import type { GatewayError } from '../../shared/errors.ts'
import { edgeRegionOf } from '../../shared/residency/arrival.ts'
import { checkTermination } from '../../shared/residency/termination.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { Arrived, Authenticated, Common } from '../contexts.ts'
import type { Edge } from '../edge.ts'

/** Fails with `termination_not_allowed`. */
export function checkArrival<Context extends Common<Authenticated>>(
  context: Context,
  edge: Edge,
): Result<Context & Pick<Arrived, 'edgeRegion'>, GatewayError> {
  const { regions } = edge.mesh.config
  const termination = checkTermination(context.tenant, context.arrival, regions)
  if (!termination.ok) return termination
  return ok({ ...context, edgeRegion: edgeRegionOf(context.arrival, regions) })
}
