/** Pools that nobody has used are asked whether they are there: cheaply, not often, and in nobody's way. */
import { afterEach, expect, test, vi } from 'vitest'
import { answerGets, hanging, inOwnRegionMonitor } from '../support/own-monitors.ts'
import { aReport, nothingElse, poolMonitors, REGION } from '../support/region-reports.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const environment = poolMonitors(nothingElse)

test('probes go to the health path of pools that nobody measures, every five seconds, and are timed', () => {
  const asked = answerGets(() => new Response(''))
  return inOwnRegionMonitor({ environment }, async ({ monitor, clock }) => {
    const seen = { pool: 'us-east', key: 'demo/k1', askedAtMs: clock.nowMs - 300, atMs: clock.nowMs - 200 }
    const firstToken = { ttftMs: 100, queueMs: 0, uncachedTokens: 10, predictedMs: 100 }
    const observations = [{ kind: 'first_token' as const, ...seen, ...firstToken }]
    await monitor.exchange(REGION, aReport({ observations }))
    await monitor.alarm()
    const others = ['http://eu-central.own.test/health', 'http://ap-southeast.own.test/health']
    await expect.poll(() => asked).toEqual(others)
    await expect
      .poll(async () => (await monitor.snapshot(REGION)).pools['eu-central']?.measures.roundTrip?.sampleCount)
      .toBe(1)
    clock.nowMs += 4_999
    await monitor.alarm()
    expect(asked).toEqual(others)
    clock.nowMs += 1
    await monitor.alarm()
    await expect.poll(() => asked).toEqual([...others, ...others])
  })
})

test('probes wait in nobody’s way: at most four are under way, and none twice', () => {
  const asked = answerGets(hanging)
  const pools = Array.from({ length: 6 }, (_, n) => ({
    id: `pool-${n}`,
    region: REGION,
    dialect: 'vllm',
    url: `http://pool-${n}.own.test/v1`,
    models: [{ model: 'story' }],
  }))
  return inOwnRegionMonitor({ environment, config: { pools } }, async ({ monitor, clock }) => {
    await monitor.exchange(REGION, aReport())
    await monitor.alarm()
    clock.nowMs += 10_000
    await monitor.alarm()
    expect(asked).toHaveLength(4)
  })
})

test('probes are not made where no question is free of charge', () => {
  const asked = answerGets(() => new Response(''))
  const pools = [
    {
      id: 'api',
      region: REGION,
      dialect: 'openai',
      shared_prefix: true,
      url: 'https://api.own.test/v1',
      models: [{ model: 'story' }],
    },
  ]
  return inOwnRegionMonitor({ environment, config: { pools } }, async ({ monitor }) => {
    await monitor.exchange(REGION, aReport())
    await monitor.alarm()
    await expect.poll(async () => Object.keys((await monitor.snapshot(REGION)).pools)).toEqual(['api'])
    expect(asked).toEqual([])
  })
})

test.each([
  ['answers', () => new Response(''), true],
  ['wants another key', () => new Response('', { status: 401 }), true],
  ['says that it is broken', () => new Response('', { status: 503 }), false],
  ['sends us elsewhere', () => new Response('', { status: 302 }), false],
  ['cannot be reached', () => Promise.reject(new TypeError('refused')), false],
])('probes tell whether a lost pool is back: one that %s', (_name, answer, isBack) => {
  answerGets(answer)
  return inOwnRegionMonitor({ environment }, async ({ monitor, clock }) => {
    const failures = ['a', 'b', 'c'].map((key, n) => ({
      kind: 'failed' as const,
      pool: 'us-east',
      failure: 'unreachable' as const,
      key,
      sawFirstToken: false,
      askedAtMs: clock.nowMs - 10 + n,
      atMs: clock.nowMs - 9 + n,
    }))
    await monitor.exchange(REGION, aReport({ observations: failures }))
    await monitor.alarm()
    const breaker = async () => (await monitor.snapshot(REGION)).pools['us-east']?.measures.breaker
    await expect.poll(breaker).toMatchObject({ kind: 'open', health: { isAlive: isBack } })
  })
})
