/** Fourth stage: reads the body within its bounds and checks every field of it. */
import type { GatewayError } from '../../shared/errors.ts'
import { ok, type Result } from '../../shared/result.ts'
import { DENIED_FIELDS } from '../../shared/schema/denied-fields.ts'
import type { Model } from '../../shared/schema/mesh.ts'
import { parseRequest } from '../../shared/schema/request.ts'
import { adapters } from '../adapters/index.ts'
import type { Arrived, BodyRead } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { readJsonBody, type JsonBody } from '../stream/json-body.ts'

/**
 * Reads and checks the body. The bytes are taken from the isolate's budget; `release` gives them back.
 * Fails as `readJsonBody` and `parseRequest` do.
 */
export function readBody(
  context: Arrived,
  edge: Edge,
): Promise<Result<{ context: BodyRead; release: () => void }, GatewayError>> {
  return readJsonBody(context, edge, ({ value, model, bodyBytes }: JsonBody) => {
    const generation = parseRequest(context.surface, value, {
      limits: edge.mesh.config.limits,
      accepts: (field) => isAccepted(field, model, context, edge),
    })
    return generation.ok ? ok({ ...context, model, generation: generation.value, bodyBytes }) : generation
  })
}

/** A field is accepted if a pool that serves the model takes it, or the operator opened it for the model. */
function isAccepted(field: string, model: Model, context: Arrived, edge: Edge): boolean {
  if (DENIED_FIELDS.has(field)) return false
  if (model.extra_fields.includes(field)) return true
  return edge.mesh.config.pools.some(
    (pool) =>
      pool.models.some((served) => served.model === model.id) &&
      adapters[pool.dialect].fields[context.surface].has(field),
  )
}
