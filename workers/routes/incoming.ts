/** What is known of a request without a body before anything of it is understood. */
import type { Context } from 'hono'
import type { AppVariables } from '../app-variables.ts'
import type { Incoming } from '../contexts.ts'

export async function incomingOf(context: Context<AppVariables>): Promise<Incoming> {
  const edge = context.get('edge')
  const request = context.req.raw
  return {
    request,
    requestId: context.get('requestId'),
    run: '',
    surface: 'chat',
    receivedAtMs: edge.runtime.now(),
    arrival: edge.runtime.arrivalOf(request),
    configVersion: await edge.mesh.configVersion(),
  }
}
