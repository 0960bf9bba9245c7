/** Fourth stage: reads the body within its bounds and checks every field of it. */
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { DENIED_FIELDS } from '../../shared/schema/denied-fields.ts'
import { parseJson } from '../../shared/schema/parse-json.ts'
import type { Model, Tenant } from '../../shared/schema/mesh.ts'
import { parseRequest, readModel } from '../../shared/schema/request.ts'
import { adapters } from '../adapters/index.ts'
import type { Arrived, BodyRead } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { readBodyBytes } from '../stream/body-bytes.ts'

const JSON_TYPE = /^application\/json *(?:;|$)/i

/**
 * Reads and checks the body. The bytes are taken from the isolate's budget; `release` gives them back.
 * Fails with the errors of a body: its type, size, encoding, shape and fields; with `model_not_found`; with `edge_busy`.
 */
export async function readBody(
  context: Arrived,
  edge: Edge,
): Promise<Result<{ context: BodyRead; release: () => void }, GatewayError>> {
  const { limits } = edge.mesh.config
  const { headers } = context.request
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (!JSON_TYPE.test(headers.get('content-type') ?? '') || encoding !== 'identity') {
    return err({ reason: 'unsupported_media_type' })
  }

  const body = await readBodyBytes(context.request, limits, edge.bodies)
  if (!body.ok) return body
  const release = (): void => edge.bodies.give(body.value.byteLength)
  const read = parseBody(context, body.value, edge)
  if (read.ok) return ok({ context: read.value, release })
  release()
  return read
}

function parseBody(context: Arrived, bytes: Uint8Array, edge: Edge): Result<BodyRead, GatewayError> {
  const { limits } = edge.mesh.config
  const text = decodeUtf8(bytes)
  if (!text.ok) return text
  const value = parseJson(text.value, { maxDepth: limits.max_depth })
  if (!value.ok) return value
  const name = readModel(value.value)
  if (!name.ok) return name
  const model = isModelAllowed(context.tenant, name.value) ? edge.mesh.models.get(name.value) : undefined
  if (model === undefined) return err({ reason: 'model_not_found' })
  const generation = parseRequest(context.surface, value.value, {
    limits,
    accepts: (field) => isAccepted(field, model, context, edge),
  })
  if (!generation.ok) return generation
  return ok({ ...context, model, generation: generation.value, bodyBytes: bytes.byteLength })
}

/** Whether the tenant may use the model. */
export function isModelAllowed(tenant: Tenant, model: string): boolean {
  return tenant.models === '*' || tenant.models.includes(model)
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

function decodeUtf8(bytes: Uint8Array): Result<string, GatewayError> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    return err({ reason: 'invalid_utf8' })
  }
}
