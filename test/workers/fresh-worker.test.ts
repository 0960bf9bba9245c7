/** A Worker whose every request meets an isolate that knows nothing answers like any other. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { createFreshWorker } from '../../workers/dev/fresh-worker.ts'
import { startMesh } from '../../workers/mesh.ts'
import { productionRuntime } from '../../workers/runtime.ts'

test('answers request after request', async () => {
  const worker = createFreshWorker(startMesh(env, ''), productionRuntime)
  for (let request = 0; request < 2; request += 1) {
    const context = createExecutionContext()
    const answer = await worker.fetch?.(
      new Request<unknown, IncomingRequestCfProperties>('http://edge.test/healthz'),
      env,
      context,
    )
    await waitOnExecutionContext(context)
    expect(answer?.status).toBe(200)
  }
})
