/** What a pool is asked besides generations: where its server begins, with its key, within bounds. */
import { expect, test } from 'vitest'
import type { Pool, Region } from '../../../../shared/schema/mesh.ts'
import type { Environment } from '../../../../workers/environment.ts'
import { createLoadSources } from '../../../../workers/outgoing/ask-load.ts'
import { poolRoot } from '../../../../workers/outgoing/pool-root.ts'
import { canProbe, probePool } from '../../../../workers/outgoing/probe-pool.ts'
import { aRuntime } from '../a-runtime.ts'

const POOL = {
  id: 'gpu',
  region: 'eu',
  dialect: 'vllm',
  url: 'https://gpu.example.com/team-a/v1',
  auth: 'secret:POOL_GPU',
  models: [{ model: 'story' }],
  capacity: 4,
  price: { prompt: 0, cached_prompt: 0, completion: 0 },
  shared_prefix: false,
} as Pool
const REGION = { id: 'eu' } as Region
const METRICS = 'vllm:num_requests_running{model_name="m"} 3\n'

interface Call {
  readonly url: string
  readonly init: RequestInit
}

function setUp(answer: () => Response | Promise<Response>, hosts = ['gpu.example.com']) {
  const calls: Call[] = []
  const runtime = aRuntime({
    send: async (url, init) => {
      calls.push({ url, init })
      runtime.advance(40)
      return answer()
    },
  })
  const env = { POOL_GPU: 'hush' } as unknown as Environment
  return { calls, world: { mesh: { env, poolHosts: new Set(hosts) }, runtime } }
}

test.each([
  ['https://gpu.example.com/v1', 'https://gpu.example.com'],
  ['https://gpu.example.com/team-a/v1', 'https://gpu.example.com/team-a'],
  ['http://gpu.example.com:8000/v1beta2', 'http://gpu.example.com:8000'],
  ['http://gpu.example.com:8000', 'http://gpu.example.com:8000'],
  ['https://gpu.example.com/vllm', 'https://gpu.example.com/vllm'],
])('the server at %s begins at %s', (baseUrl, root) => {
  expect(poolRoot(baseUrl)).toBe(root)
})

test('a probe is a GET without a body that carries the pool’s key', async () => {
  const { calls, world } = setUp(() => new Response('', { status: 200 }))
  expect(await probePool(POOL, REGION, world)).toEqual({ isAlive: true, tookMs: 40 })
  expect(calls).toHaveLength(1)
  expect(calls[0]).toMatchObject({
    url: 'https://gpu.example.com/team-a/health',
    init: { method: 'GET', headers: { authorization: 'Bearer hush' }, redirect: 'manual' },
  })
  expect(calls[0]?.init.body).toBeUndefined()
})

test('a pool at a host that was not allowed at the start is not probed, which says nothing of it', async () => {
  const { calls, world } = setUp(() => new Response(''), ['other.example.com'])
  expect(await probePool(POOL, REGION, world)).toBeUndefined()
  expect(calls).toHaveLength(0)
})

test.each(['openai', 'azure', 'anthropic'] as const)('%s is neither probed nor asked', async (dialect) => {
  const { calls, world } = setUp(() => new Response(''))
  const pool: Pool = { ...POOL, dialect }
  expect(canProbe(pool)).toBe(false)
  expect(await probePool(pool, REGION, world)).toBeUndefined()
  expect(createLoadSources(pool, REGION, world)).toBeUndefined()
  expect(calls).toHaveLength(0)
})

test('its load is asked for with the pool’s key, too', async () => {
  const { calls, world } = setUp(() => new Response(METRICS))
  expect(await createLoadSources(POOL, REGION, world)?.ask()).toEqual({ running: 3 })
  expect(calls[0]).toMatchObject({
    url: 'https://gpu.example.com/team-a/metrics',
    init: { method: 'GET', headers: { authorization: 'Bearer hush' } },
  })
})

test.each([
  ['is not reached', () => Promise.reject(new TypeError('refused'))],
  ['sends us elsewhere', () => new Response(METRICS, { status: 307 })],
  ['fails', () => new Response(METRICS, { status: 500 })],
  ['says something else', () => new Response('<html>hello</html>')],
])('a pool that %s has no load, and nothing is thrown', async (_name, answer) => {
  const { world } = setUp(answer)
  expect(await createLoadSources(POOL, REGION, world)?.ask()).toBeUndefined()
})

test('all its ways to answer have two seconds together', async () => {
  const pool: Pool = { ...POOL, dialect: 'sglang' }
  const { calls, world } = setUp(() => {
    world.runtime.advance(1_000)
    return new Response('', { status: 500 })
  })
  expect(await createLoadSources(pool, REGION, world)?.ask()).toBeUndefined()
  expect(calls).toHaveLength(2)
})
