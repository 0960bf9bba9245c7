/**
 * GET /healthz: that this isolate started, which it does only with a whole config. GET /readyz: that it should be sent
 * requests, which a node of one's own that is about to stop should not.
 */
import type { Handler } from 'hono'
import type { AppVariables } from '../app-variables.ts'

/** Whoever asks may be as impatient as a second. */
const READINESS_MS = 500
const NOT_STORED = { 'cache-control': 'no-store' }

export const health: Handler<AppVariables> = (context) => context.json({ status: 'ok' }, 200, NOT_STORED)

export const ready: Handler<AppVariables> = async (context) => {
  const { MESH_READINESS: readiness } = context.get('edge').mesh.env
  const isReady = readiness === undefined || (await saysReady(readiness))
  return isReady
    ? context.json({ status: 'ready' }, 200, NOT_STORED)
    : context.json({ status: 'draining' }, 503, NOT_STORED)
}

/** A supervisor that does not answer is gone, and with it whoever would let streams end. */
async function saysReady(readiness: Fetcher): Promise<boolean> {
  try {
    const answer = await readiness.fetch('http://node/readiness', {
      signal: AbortSignal.timeout(READINESS_MS),
    })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}
