/** A node on one's own machines: every request arrives where it stands, and it can say that it wants no more of them. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { startMesh } from '../../workers/mesh.ts'
import { productionRuntime, runtimeAt } from '../../workers/runtime.ts'
import { createWorker } from '../../workers/worker.ts'
import { aMeshConfig } from '../support/mesh-config.ts'

const MESH_CONFIG = JSON.stringify(
  aMeshConfig({
    'eu-central': 'http://10.0.0.1',
    'us-east': 'http://10.0.0.2',
    'ap-southeast': 'http://10.0.0.3',
  }),
)
const NODE = { ...env, MESH_CONFIG, MESH_MODE: 'single:eu', MESH_NODE_PLACE: '{"colo":"FRA","country":"DE"}' }

describe('the place', () => {
  test('is the node’s, and nothing that a request or a front end says', () => {
    const { nodePlace } = startMesh(NODE, '')
    const request = new Request<unknown, IncomingRequestCfProperties>('http://node.test:8787/v1/models', {
      headers: { 'x-mesh-dev-colo': 'IAD', 'cf-ipcountry': 'US' },
      // The platform's type has many fields, which no request here needs.
      cf: { colo: 'IAD', country: 'US', continent: 'NA' } as unknown as IncomingRequestCfProperties,
    })
    expect(runtimeAt(nodePlace).arrivalOf(request)).toEqual({ host: 'node.test', colo: 'FRA', country: 'DE' })
    // The control: where there is no node's place, the platform's word counts.
    expect(runtimeAt(undefined).arrivalOf(request)).toMatchObject({ colo: 'IAD', country: 'US' })
  })

  test('has to be stated on one’s own machines, and may not be elsewhere', () => {
    const { MESH_NODE_PLACE: _place, ...without } = NODE
    expect(() => startMesh(without, '')).toThrow('MESH_NODE_PLACE is not set')
    expect(() => startMesh({ ...NODE, MESH_MODE: 'dev' }, '')).toThrow('MESH_NODE_PLACE is set')
  })
})

describe('GET /readyz', () => {
  async function readyWith(readiness?: () => Promise<Response>) {
    // Of a fetcher only this is asked for.
    const stub = readiness === undefined ? {} : { MESH_READINESS: { fetch: readiness } as unknown as Fetcher }
    const worker = createWorker(startMesh({ ...NODE, ...stub }, ''), productionRuntime)
    const context = createExecutionContext()
    const request = new Request<unknown, IncomingRequestCfProperties>('http://node.test/readyz')
    const response = await worker.fetch?.(request, env, context)
    await waitOnExecutionContext(context)
    return [response?.status, await response?.json()]
  }

  test('is 200 where nobody supervises the node, and while the supervisor says so', async () => {
    expect(await readyWith()).toEqual([200, { status: 'ready' }])
    expect(await readyWith(() => Promise.resolve(new Response()))).toEqual([200, { status: 'ready' }])
  })

  test('is 503 when the supervisor says no more, or is gone', async () => {
    const draining = [503, { status: 'draining' }]
    expect(await readyWith(() => Promise.resolve(new Response(null, { status: 503 })))).toEqual(draining)
    expect(await readyWith(() => Promise.reject(new Error('refused')))).toEqual(draining)
  })
})
