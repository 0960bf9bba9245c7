/**
 * POST /admin/v1/residency/explain: where a request that nobody sent might be processed and stored, and what led to that.
 * The question stands in the query, in a JSON body, or in both; what both name, the body says.
 */
import { Hono, type Context } from 'hono'
import type { GatewayError } from '../../shared/errors.ts'
import { explainPlacement, type PlacementExplanation } from '../../shared/residency/explain.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { residencyQuestionSchema } from '../../shared/schema/residency-question.ts'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import { checkedAgainst, readAdminObject } from './read-admin-body.ts'

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
  const body = await readAdminObject(context)
  if (!body.ok) return body
  const { residency, ...query } = context.req.query()
  const words = residency?.split(',').map((word) => word.trim())
  const asked = { ...query, ...(words === undefined ? {} : { residency: words }), ...body.value }
  const question = checkedAgainst(residencyQuestionSchema, asked)
  if (!question.ok) return question
  const explanation = explainPlacement(question.value, mesh)
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
