/** GET /healthz: that this isolate started, which it does only with a whole config. */
import type { Handler } from 'hono'
import type { AppVariables } from '../app-variables.ts'

export const health: Handler<AppVariables> = (context) =>
  context.json({ status: 'ok' }, 200, { 'cache-control': 'no-store' })
