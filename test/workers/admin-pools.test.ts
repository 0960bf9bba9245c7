/** /admin/v1/pools: an operator sees what is known of the pools, and takes one out until he puts it back. */
import { evictDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { answerGets } from './support/own-monitors.ts'

const TOKEN = 'test-admin-token-0123456789abcdef'

interface PoolsAnswer {
  readonly seen_from: string
  readonly pools: readonly { readonly id: string; readonly region: Record<string, unknown> | null }[]
}

beforeAll(() => {
  answerGets(() => new Response('vllm:num_requests_running{model_name="m"} 4\n'), '.pool.test')
})
afterAll(() => {
  vi.restoreAllMocks()
})

function ask(method: string, path: string, { token = TOKEN, colo = 'FRA' } = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'x-mesh-dev-colo': colo }
  return exports.default.fetch(`http://edge.test/admin/v1/pools${path}`, { method, headers })
}

const isDrained = async (pool: string): Promise<boolean> =>
  (await env.POOL_MONITOR.getByName(`pool/${pool}`).status()).isDrained

describe('draining', () => {
  test('says until when everybody knows, and holds until it is taken back', async () => {
    const drained = await ask('POST', '/us-east/drain')
    expect(drained.status).toBe(200)
    expect(await drained.json()).toEqual({ pool: 'us-east', drained: true, holds_within_ms: 14_600 })
    expect(await isDrained('us-east')).toBe(true)
    expect(await isDrained('eu-central')).toBe(false)
    const back = await ask('DELETE', '/us-east/drain')
    expect(await back.json()).toEqual({ pool: 'us-east', drained: false, holds_within_ms: 14_600 })
    expect(await isDrained('us-east')).toBe(false)
  })

  test.each(['POST', 'DELETE'])('%s of a pool that the mesh does not have is 404', async (method) => {
    expect((await ask(method, '/unknown/drain')).status).toBe(404)
  })

  test('needs the operator’s token', async () => {
    expect((await ask('POST', '/us-east/drain', { token: 'something else' })).status).toBe(401)
    expect(await isDrained('us-east')).toBe(false)
  })
})

describe('what is known', () => {
  test('of a pool in a region that has heard nothing yet is what the isolate knows itself', async () => {
    const monitor = env.REGION_MONITOR.getByName('region/ap-southeast')
    await monitor.snapshot('ap-southeast')
    await evictDurableObject(monitor)
    const { seen_from, pools } = await (await ask('GET', '', { colo: 'SIN' })).json<PoolsAnswer>()
    expect(seen_from).toBe('ap-southeast')
    expect(pools).toEqual(
      ['eu-central', 'us-east', 'ap-southeast'].map((id) => ({
        id,
        pending: 0,
        breaker: 'closed',
        first_token_ms: null,
        region: null,
      })),
    )
  })

  test('to the region is in the answer', async () => {
    const pool = env.POOL_MONITOR.getByName('pool/ap-southeast')
    const region = env.REGION_MONITOR.getByName('region/ap-southeast')
    // What shards of other tests have made known of them is forgotten.
    await region.snapshot('ap-southeast')
    await evictDurableObject(region)
    await pool.status()
    await evictDurableObject(pool)
    await pool.drain(true)
    await region.exchange('ap-southeast', {
      observer: 'isolate-1',
      observations: [],
      inFlight: { 'ap-southeast': 2 },
      sentTokens: { 'ap-southeast': 1_000 },
    })
    const seen = async () => {
      const { pools } = await (await ask('GET', '', { colo: 'SIN' })).json<PoolsAnswer>()
      return pools.find(({ id }) => id === 'ap-southeast')?.region
    }
    await expect.poll(seen, { timeout: 5_000 }).toMatchObject({
      in_flight: 2,
      tokens_per_second: 100,
      drained: true,
      breaker: 'closed',
      first_token_ms: null,
      load: { running: 4 },
    })
    await pool.drain(false)
  })
})
