/**
 * POST /admin/v1/residency/explain: where a request that nobody sent might be processed and stored, and what led to that.
 * The question stands in the query, in a JSON body, or in both; what both name, the body says.
 */
import { Hono, type Context } from 'hono'
import type { GatewayError } from '../../shared/errors.ts'
import { isObject } from '../../shared/is-object.ts'
import { explainPlacement, type PlacementExplanation } from '../../shared/residency/explain.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { parseJson } from '../../shared/schema/parse-json.ts'
import { residencyQuestionSchema } from '../../shared/schema/residency-question.ts'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import { readBodyBytes } from '../stream/body-bytes.ts'

const MAX_BODY_BYTES = 64 * 1024

export function adminResidencyRoutes(): Hono<AppVariables> {
  const routes = new Hono<AppVariables>()
  routes.post('/explain', async (context) => {
    const explained = await explain(context)
    return explained.ok ? context.json(explained.value) : failed(explained.error)
  })
  return routes
}

interface Explained extends PlacementExplanation {
  /** What is explained is this config, in this mode. */
  readonly config: string
  readonly mode: string
}

async function explain(context: Context<AppVariables>): Promise<Result<Explained, GatewayError>> {
  const { mesh } = context.get('edge')
  const body = await readBody(context)
  if (!body.ok) return body
  const { residency, ...query } = context.req.query()
  const words = residency?.split(',').map((word) => word.trim())
  const asked = { ...query, ...(words === undefined ? {} : { residency: words }), ...body.value }
  const question = residencyQuestionSchema.safeParse(asked)
  if (!question.success) {
    const [issue] = question.error.issues
    const param = String(issue?.path[0] ?? '')
    const isOurs = Object.hasOwn(residencyQuestionSchema.shape, param)
    return err(
      isOurs
        ? { reason: 'invalid_parameter', param, expected: issue?.message ?? 'a value of the right form' }
        : { reason: 'unsupported_parameter', where: 'The question' },
    )
  }
  const explanation = explainPlacement(question.data, mesh)
  if (!explanation.ok) {
    const param = explanation.error
    return err({ reason: 'invalid_parameter', param, expected: NAMES[param] })
  }
  return ok({ config: await mesh.configVersion(), mode: mesh.mode.kind, ...explanation.value })
}

const NAMES = {
  tenant: 'the id of a tenant of the config',
  key: 'the id of a key of the tenant',
  model: 'the id of a model of the config',
} as const

/** No body is an empty question. */
async function readBody(context: Context<AppVariables>): Promise<Result<object, GatewayError>> {
  const { mesh, bodies } = context.get('edge')
  const { limits } = mesh.config
  const within = { ...limits, max_body_bytes: Math.min(MAX_BODY_BYTES, limits.max_body_bytes) }
  const bytes = await readBodyBytes(context.req.raw, within, bodies)
  if (!bytes.ok) return bytes
  bodies.give(bytes.value.byteLength)
  if (bytes.value.byteLength === 0) return ok({})
  const value = parseJson(new TextDecoder().decode(bytes.value), { maxDepth: limits.max_depth })
  if (!value.ok) return value
  return isObject(value.value) ? ok(value.value) : err({ reason: 'invalid_json' })
}
