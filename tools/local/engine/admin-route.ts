/** /admin: what was done, faults on demand, a cold cache. Not of vLLM; answers also while the engine is "down". */
import { statsOf, type Core } from './core.ts'
import { readJson, sendError, sendJson, type Exchange } from './exchange.ts'
import { badRequest } from './errors.ts'
import { parseFaults } from './faults.ts'

/** False when there is no such route. */
export async function serveAdmin(core: Core, route: string, exchange: Exchange): Promise<boolean> {
  switch (route) {
    case 'GET /admin/stats':
      sendJson(exchange, 200, statsOf(core))
      return true
    case 'GET /admin/faults':
      sendJson(exchange, 200, core.faults.current())
      return true
    case 'POST /admin/faults':
      await setFaults(core, exchange)
      return true
    case 'DELETE /admin/faults':
      core.faults.clear()
      sendJson(exchange, 200, {})
      return true
    case 'POST /admin/cache/clear':
      core.cache.clear()
      sendJson(exchange, 200, {})
      return true
    default:
      return false
  }
}

async function setFaults(core: Core, exchange: Exchange): Promise<void> {
  const read = await readJson(exchange)
  if (read === undefined) return
  if ('error' in read) return sendError(exchange, read.error)
  const faults = parseFaults(read.body)
  if (typeof faults === 'string') return sendError(exchange, badRequest(faults))
  core.faults.set(faults)
  sendJson(exchange, 200, core.faults.current())
}
