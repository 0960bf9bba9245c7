/** Fifth stage: where the request may be processed and stored. Decided before any cache is touched. */
import type { GatewayError } from '../../shared/errors.ts'
import { homeOf } from '../../shared/residency/home.ts'
import { place } from '../../shared/residency/place.ts'
import { ok, type Result } from '../../shared/result.ts'
import type { BodyRead, Common, Placed } from '../contexts.ts'
import type { Edge } from '../edge.ts'

/** Fails with `residency_violation`. */
export function placeRequest<Context extends Common<BodyRead>>(
  context: Context,
  edge: Edge,
): Result<Context & Pick<Placed, 'placement' | 'home'>, GatewayError> {
  const { residency, dataClass, headers } = context.narrowing
  const placement = place({
    config: edge.mesh.config,
    tenant: context.tenant,
    keyId: context.keyId,
    model: context.model,
    arrival: context.arrival,
    ...(residency === undefined ? {} : { narrow: residency }),
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(headers === undefined ? {} : { headers }),
  })
  if (!placement.ok) return placement
  const home = homeOf(placement.value, context.edgeRegion, edge.mesh.mode)
  return ok({ ...context, placement: placement.value, ...(home === undefined ? {} : { home }) })
}
