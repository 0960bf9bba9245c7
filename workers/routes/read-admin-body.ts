/** Reads the JSON body of a call to the administration: bounded, and checked against what the call takes. */
import type { Context } from 'hono'
import type { z } from 'zod'
import type { GatewayError } from '../../shared/errors.ts'
import { isObject } from '../../shared/is-object.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { parseJson } from '../../shared/schema/parse-json.ts'
import type { AppVariables } from '../app-variables.ts'
import { readBodyBytes } from '../stream/body-bytes.ts'

const MAX_BODY_BYTES = 64 * 1024

/** No body is an empty object. Fails as reading a body does, or with `invalid_json` where it is no object. */
export async function readAdminObject(
  context: Context<AppVariables>,
  maxBytes?: number,
): Promise<Result<object, GatewayError>> {
  const { mesh, bodies } = context.get('edge')
  const { limits } = mesh.config
  // A config that takes small bodies only has to be replaceable: what is asked for here is not cut by it.
  const within = { ...limits, max_body_bytes: maxBytes ?? Math.min(MAX_BODY_BYTES, limits.max_body_bytes) }
  const bytes = await readBodyBytes(context.req.raw, within, bodies)
  if (!bytes.ok) return bytes
  bodies.give(bytes.value.byteLength)
  if (bytes.value.byteLength === 0) return ok({})
  const value = parseJson(new TextDecoder().decode(bytes.value), { maxDepth: limits.max_depth })
  if (!value.ok) return value
  return isObject(value.value) ? ok(value.value) : err({ reason: 'invalid_json' })
}

/** The same, of this shape. A member that is wrong is named; one that is not the schema's own is not repeated. */
export async function readAdminBody<T extends z.ZodObject>(
  context: Context<AppVariables>,
  schema: T,
  maxBytes?: number,
): Promise<Result<z.output<T>, GatewayError>> {
  const body = await readAdminObject(context, maxBytes)
  return body.ok ? checkedAgainst(schema, body.value) : body
}

/** Fails with `missing_parameter`, `invalid_parameter` or `unsupported_parameter`. */
export function checkedAgainst<T extends z.ZodObject>(
  schema: T,
  value: object,
): Result<z.output<T>, GatewayError> {
  const read = schema.safeParse(value)
  if (read.success) return ok(read.data)
  const [issue] = read.error.issues
  const param = String(issue?.path[0] ?? '')
  if (!Object.hasOwn(schema.shape, param))
    return err({ reason: 'unsupported_parameter', where: 'The question' })
  if (!Object.hasOwn(value, param)) return err({ reason: 'missing_parameter', param })
  return err({ reason: 'invalid_parameter', param, expected: issue?.message ?? 'a value of the right form' })
}
