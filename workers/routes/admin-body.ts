/** Reads the body of an admin request: JSON of a known form, within bounds. */
import type { Context } from 'hono'
import type { z } from 'zod'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { parseJson } from '../../shared/schema/parse-json.ts'
import type { AppVariables } from '../app-variables.ts'
import { readBodyBytes } from '../stream/body-bytes.ts'

/** A config and its cases, written as JSON. */
const MAX_ADMIN_BODY_BYTES = 2 * 1024 * 1024

/** Fails with the errors of a body, or `invalid_parameter` with the name of the member that is wrong. */
export async function readAdminBody<T>(
  context: Context<AppVariables>,
  schema: z.ZodType<T>,
): Promise<Result<T, GatewayError>> {
  const { mesh, bodies } = context.get('edge')
  const { limits } = mesh.config
  const within = { ...limits, max_body_bytes: MAX_ADMIN_BODY_BYTES }
  const bytes = await readBodyBytes(context.req.raw, within, bodies)
  if (!bytes.ok) return bytes
  bodies.give(bytes.value.byteLength)
  const text = decode(bytes.value)
  if (text === undefined) return err({ reason: 'invalid_utf8' })
  const value = parseJson(text, { maxDepth: limits.max_depth })
  if (!value.ok) return value
  const parsed = schema.safeParse(value.value)
  if (parsed.success) return ok(parsed.data)
  const [issue] = parsed.error.issues
  // The name of an unknown member is the client's text.
  if (issue?.code === 'unrecognized_keys') return err({ reason: 'unsupported_parameter', where: 'The body' })
  return err({
    reason: 'invalid_parameter',
    param: String(issue?.path[0] ?? 'body'),
    expected: issue?.path.length === 0 ? 'an object' : (issue?.message ?? 'a value of the right form'),
  })
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
