/** A request that arrived where it may not be processed is refused before a byte of its body is read. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { devRuntime } from '../../workers/dev/runtime.ts'
import { startMesh } from '../../workers/mesh.ts'
import { createWorker } from '../../workers/worker.ts'
import { KEYS } from '../support/keys.ts'
import { aMeshConfig } from '../support/mesh-config.ts'

const urls = { 'eu-central': 'http://a.test', 'us-east': 'http://b.test', 'ap-southeast': 'http://c.test' }
const config = aMeshConfig(urls, {
  tenants: aMeshConfig(urls).tenants.map((tenant) => ({ ...tenant, terminate: { jurisdictions: ['eu'] } })),
})
const mesh = startMesh({ ...env, MESH_CONFIG: JSON.stringify(config) }, '')
const worker = createWorker(mesh, devRuntime(env, config))

test.each([
  ['SIN', 403, 0],
  // Nobody has said in which jurisdiction this one stands.
  ['ZRH', 403, 0],
  // The control: here it is read, and found to be no JSON.
  ['FRA', 400, 2],
])('from %s the status is %i, after %i reads', async (colo, status, expectedReads) => {
  let reads = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        reads += 1
        if (reads === 1) controller.enqueue(new TextEncoder().encode('{"model":'))
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const request = new Request<unknown, IncomingRequestCfProperties>('http://edge.test/v1/chat/completions', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${KEYS.demo}`,
      'content-type': 'application/json',
      'x-mesh-dev-colo': colo,
    },
    body,
  })
  const context = createExecutionContext()
  const response = await worker.fetch?.(request, env, context)
  await waitOnExecutionContext(context)
  expect(response?.status).toBe(status)
  expect(reads).toBe(expectedReads)
})
