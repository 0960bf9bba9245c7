/** Reads a request's body as JSON, and finds the model it asks for: what is needed to know which fields it may have. */
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Model, Tenant } from '../../shared/schema/mesh.ts'
import { parseJson } from '../../shared/schema/parse-json.ts'
import { readModel } from '../../shared/schema/request.ts'
import type { Arrived, Common } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { readBodyBytes } from './body-bytes.ts'

export interface JsonBody {
  readonly value: unknown
  /** One that the tenant may use. */
  readonly model: Model
  readonly bodyBytes: number
}

const JSON_TYPE = /^application\/json *(?:;|$)/i

/**
 * Reads the body and has it made into the next context. The bytes are taken from the isolate's budget; `release` gives them
 * back, and a failure has done so. Fails with the errors of a body: its type, size, encoding and shape; with
 * `model_not_found`; with `edge_busy`; or as `parse` does.
 */
export async function readJsonBody<Context>(
  context: Common<Arrived>,
  edge: Edge,
  parse: (body: JsonBody) => Result<Context, GatewayError>,
): Promise<Result<{ context: Context; release: () => void }, GatewayError>> {
  const { limits } = edge.mesh.config
  const { headers } = context.request
  const encoding = headers.get('content-encoding') ?? 'identity'
  if (!JSON_TYPE.test(headers.get('content-type') ?? '') || encoding !== 'identity') {
    return err({ reason: 'unsupported_media_type' })
  }

  const bytes = await readBodyBytes(context.request, limits, edge.bodies)
  if (!bytes.ok) return bytes
  const release = (): void => edge.bodies.give(bytes.value.byteLength)
  const body = jsonBodyOf(bytes.value, context.tenant, edge)
  const read = body.ok ? parse(body.value) : body
  if (read.ok) return ok({ context: read.value, release })
  release()
  return read
}

function jsonBodyOf(bytes: Uint8Array, tenant: Tenant, edge: Edge): Result<JsonBody, GatewayError> {
  const text = decodeUtf8(bytes)
  if (!text.ok) return text
  const value = parseJson(text.value, { maxDepth: edge.mesh.config.limits.max_depth })
  if (!value.ok) return value
  const name = readModel(value.value)
  if (!name.ok) return name
  const model = isModelAllowed(tenant, name.value) ? edge.mesh.models.get(name.value) : undefined
  if (model === undefined) return err({ reason: 'model_not_found' })
  return ok({ value: value.value, model, bodyBytes: bytes.byteLength })
}

/** Whether the tenant may use the model. */
export function isModelAllowed(tenant: Tenant, model: string): boolean {
  return tenant.models === '*' || tenant.models.includes(model)
}

function decodeUtf8(bytes: Uint8Array): Result<string, GatewayError> {
  try {
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes))
  } catch {
    return err({ reason: 'invalid_utf8' })
  }
}
