/** The Hono app: middleware in order, then the route table. */
import { Hono } from 'hono'
import type { AppVariables } from './app-variables.ts'
import type { Isolate } from './edge.ts'
import { requireAdmin } from './access/require-admin.ts'
import { crossOrigin } from './middleware/cross-origin.ts'
import { respondToError } from './middleware/error-boundary.ts'
import { identifyRequest } from './middleware/identify-request.ts'
import { requireConfig } from './middleware/require-config.ts'
import { adminRoutes } from './routes/admin.ts'
import { embed } from './routes/embeddings.ts'
import { generate } from './routes/generate.ts'
import { detachGeneration, resumeGeneration } from './routes/generations.ts'
import { health, ready } from './routes/health.ts'
import { showMetrics } from './routes/metrics.ts'
import { listModels, showModel } from './routes/models.ts'
import { fetchReceipt, publishKeys } from './routes/receipts.ts'
import { methodNotAllowed, notFound } from './routes/unmatched.ts'
import { showUsage } from './routes/usage.ts'

const EXPOSED_HEADERS = [
  'age',
  'cache-status',
  'retry-after',
  'server-timing',
  'x-mesh-attempts',
  'x-mesh-cache',
  'x-mesh-config',
  'x-mesh-pool',
  'x-mesh-receipt',
  'x-mesh-receipt-salt',
  'x-mesh-region',
  'x-mesh-residency',
  'x-mesh-route',
  'x-mesh-run',
  'x-ratelimit-limit-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-requests',
  'x-ratelimit-reset-tokens',
  'x-request-id',
  'x-should-retry',
]

export function createApp(isolate: Isolate): Hono<AppVariables> {
  const app = new Hono<AppVariables>()

  app.use(identifyRequest(isolate))
  app.use('/v1/*', crossOrigin(EXPOSED_HEADERS))
  app.use('/v1/*', requireConfig)

  app.post('/v1/chat/completions', generate('chat'))
  app.post('/v1/completions', generate('completions'))
  app.post('/v1/embeddings', embed)
  app.get('/v1/models', listModels)
  app.get('/v1/models/:model{.+}', showModel)
  app.get('/v1/usage', showUsage)
  app.get('/v1/generations/:run', resumeGeneration)
  app.delete('/v1/generations/:run', detachGeneration)
  app.get('/v1/receipts/:request', fetchReceipt)
  app.get('/.well-known/jwks.json', publishKeys)
  app.get('/healthz', health)
  app.get('/readyz', ready)
  app.get('/metrics', requireAdmin, showMetrics)
  app.route('/admin/v1', adminRoutes())

  app.all('/v1/chat/completions', methodNotAllowed('POST'))
  app.all('/v1/completions', methodNotAllowed('POST'))
  app.all('/v1/embeddings', methodNotAllowed('POST'))
  app.all('/v1/models', methodNotAllowed('GET'))
  app.all('/v1/models/:model{.+}', methodNotAllowed('GET'))
  app.all('/v1/usage', methodNotAllowed('GET'))
  app.all('/v1/generations/:run', methodNotAllowed('GET, DELETE'))
  app.all('/v1/receipts/:request', methodNotAllowed('GET'))
  app.all('/.well-known/jwks.json', methodNotAllowed('GET'))
  app.all('/healthz', methodNotAllowed('GET'))
  app.all('/readyz', methodNotAllowed('GET'))
  app.all('/metrics', methodNotAllowed('GET'))
  app.notFound(notFound)
  app.onError(respondToError)
  return app
}
