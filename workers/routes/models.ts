/** GET /v1/models and /v1/models/{id}: the models that the key may use, and no other. */
import type { Context, Handler } from 'hono'
import type { Model, Tenant } from '../../shared/schema/mesh.ts'
import type { AppVariables } from '../app-variables.ts'
import type { Edge } from '../edge.ts'
import { failed } from '../error-response.ts'
import { identify } from '../stages/authenticate.ts'
import { isModelAllowed } from '../stream/json-body.ts'

export const listModels: Handler<AppVariables> = async (context) => {
  const identity = await identifyIn(context)
  if (!identity.ok) return failed(identity.error)
  const data = modelsOf(identity.value.tenant, context.get('edge')).map(card)
  return context.json({ object: 'list', data }, 200, { 'cache-control': 'no-store' })
}

export const showModel: Handler<AppVariables> = async (context) => {
  const identity = await identifyIn(context)
  if (!identity.ok) return failed(identity.error)
  const wanted = context.req.param('model')
  const model = modelsOf(identity.value.tenant, context.get('edge')).find(({ id }) => id === wanted)
  if (model === undefined) return failed({ reason: 'model_not_found' })
  return context.json(card(model), 200, { 'cache-control': 'no-store' })
}

async function identifyIn(context: Context<AppVariables>): ReturnType<typeof identify> {
  const edge = context.get('edge')
  const { headers } = context.req.raw
  const arrival = edge.runtime.arrivalOf(context.req.raw)
  return identify({ headers, arrival, configVersion: await edge.mesh.configVersion() }, edge)
}

function modelsOf(tenant: Tenant, edge: Edge): readonly Model[] {
  return edge.mesh.config.models.filter(({ id }) => isModelAllowed(tenant, id))
}

function card(model: Model) {
  return {
    id: model.id,
    object: 'model',
    created: model.created,
    owned_by: 'warmpath',
    context_length: model.context_length,
  }
}
