/** Reads the body of an embeddings request within its bounds and checks every field of it. */
import { batchOf } from '../../shared/embedding/batch.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { ok, type Result } from '../../shared/result.ts'
import { DENIED_FIELDS } from '../../shared/schema/denied-fields.ts'
import { parseEmbeddingsRequest } from '../../shared/schema/embeddings-request.ts'
import type { Model, Pool } from '../../shared/schema/mesh.ts'
import { adapters } from '../adapters/index.ts'
import type { Arrived, Common } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { readJsonBody } from '../stream/json-body.ts'
import type { EmbeddingsIncoming, InputsRead } from './contexts.ts'

/** `release` gives the body's bytes back. Fails as `readJsonBody` and `parseEmbeddingsRequest` do. */
export function readInputs(
  context: EmbeddingsIncoming & Common<Arrived>,
  edge: Edge,
): Promise<Result<{ context: InputsRead; release: () => void }, GatewayError>> {
  return readJsonBody<InputsRead>(context, edge, ({ value, model, bodyBytes }) => {
    const { limits, pools } = edge.mesh.config
    const servers = pools.filter((pool) => pool.models.some((served) => served.model === model.id))
    const embeddings = parseEmbeddingsRequest(value, {
      limits,
      accepts: (field) => !DENIED_FIELDS.has(field) && servers.some((pool) => takesField(pool, model, field)),
    })
    if (!embeddings.ok) return embeddings
    return ok({
      ...context,
      model,
      embeddings: embeddings.value,
      batch: batchOf(embeddings.value.inputs),
      bodyBytes,
    })
  })
}

/** A field is taken if the pool's dialect knows it, or the operator opened it for the model. */
export function takesField(pool: Pool, model: Model, field: string): boolean {
  return adapters[pool.dialect].embeddings.fields.has(field) || model.extra_fields.includes(field)
}
