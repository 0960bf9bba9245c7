/** A pool's monitor: asks the pool while somebody reports, makes nobody wait for it, and remembers that it was taken out. */
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { RegionShare } from '../../../shared/monitor/pool-view.ts'
import { answerGets, hanging, inOwnPoolMonitor } from '../support/own-monitors.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const POOL = 'us-east'
const METRICS = 'http://us-east.own.test/metrics'

function aShare(changes: Partial<RegionShare> = {}): RegionShare {
  return { region: 'eu-central', inFlight: 1, tokensPerSecond: 100, ...changes }
}

function vllmMetrics(running: number, waiting = 0): Response {
  const labels = '{model_name="story-8b"}'
  return new Response(
    `# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running${labels} ${running}\n` +
      `# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting${labels} ${waiting}\n`,
  )
}

function aMonitor() {
  return env.POOL_MONITOR.getByName(`test/${crypto.randomUUID()}`)
}

test('tells each region what all have there', async () => {
  answerGets(() => new Response('', { status: 500 }))
  const monitor = aMonitor()
  await monitor.report(POOL, aShare({ inFlight: 2 }))
  const status = await monitor.report(POOL, aShare({ region: 'us-east', inFlight: 3, tokensPerSecond: 50 }))
  expect(status).toEqual({ inFlight: 5, tokensPerSecond: 150, isDrained: false })
})

test('counts no region that the mesh does not have', async () => {
  answerGets(() => new Response('', { status: 500 }))
  expect(await aMonitor().report(POOL, aShare({ region: 'elsewhere' }))).toMatchObject({ inFlight: 0 })
})

test('asks the pool in the background of a report, and tells the next', () =>
  inOwnPoolMonitor({}, async ({ monitor }) => {
    const asked = answerGets(() => vllmMetrics(7, 2))
    expect(await monitor.report(POOL, aShare())).not.toHaveProperty('load')
    await expect.poll(async () => (await monitor.status()).load).toMatchObject({ running: 7, waiting: 2 })
    expect(asked).toEqual([METRICS])
  }))

test('a pool that hangs holds up nobody who reports', () =>
  inOwnPoolMonitor({}, async ({ monitor }) => {
    const signals: AbortSignal[] = []
    answerGets((url, signal) => {
      signals.push(signal)
      return hanging(url, signal)
    })
    for (const region of ['eu-central', 'us-east']) await monitor.report(POOL, aShare({ region }))
    expect((await monitor.status()).inFlight).toBe(2)
    // The pool is still being waited for, once.
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  }))

test('of a pool that sends for ever, half a mebibyte is read', () =>
  inOwnPoolMonitor({}, async ({ monitor }) => {
    let sentBytes = 0
    let isLeft = false
    const line = new TextEncoder().encode(`${'vllm:num_requests_running{model_name="m"} 1\n'.repeat(400)}`)
    answerGets(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              sentBytes += line.byteLength
              if (sentBytes > 10 * 1024 * 1024) controller.close()
              else controller.enqueue(line)
            },
            cancel() {
              isLeft = true
            },
          }),
        ),
    )
    await monitor.report(POOL, aShare())
    await expect.poll(() => isLeft).toBe(true)
    expect(sentBytes).toBeLessThan(600 * 1024)
    expect(await monitor.report(POOL, aShare())).toMatchObject({ inFlight: 1 })
  }))

test('that an operator took the pool out survives a restart, and so does that he put it back', async () => {
  const monitor = aMonitor()
  expect((await monitor.status()).isDrained).toBe(false)
  await monitor.drain(true)
  await evictDurableObject(monitor)
  expect((await monitor.status()).isDrained).toBe(true)
  await monitor.drain(false)
  await evictDurableObject(monitor)
  expect((await monitor.status()).isDrained).toBe(false)
})

describe('the pool', () => {
  test('is not asked when nobody reports', () =>
    inOwnPoolMonitor({}, async ({ monitor, clock }) => {
      const asked = answerGets(() => vllmMetrics(1))
      await monitor.status()
      expect(asked).toHaveLength(0)
      await monitor.report(POOL, aShare())
      clock.nowMs += 60_000
      await monitor.status()
      expect(asked).toHaveLength(1)
    }))

  test('is asked once a second at most, however many report', () =>
    inOwnPoolMonitor({}, async ({ monitor, clock }) => {
      const asked = answerGets(() => vllmMetrics(1))
      for (let ms = 0; ms < 3_000; ms += 100) {
        for (const region of ['eu-central', 'us-east']) await monitor.report(POOL, aShare({ region }))
        await scheduler.wait(1)
        clock.nowMs += 100
      }
      expect(asked).toHaveLength(3)
    }))

  test('is not asked again before it has answered', () =>
    inOwnPoolMonitor({}, async ({ monitor, clock }) => {
      const answer = Promise.withResolvers<Response>()
      const asked = answerGets(() => answer.promise)
      for (let second = 0; second < 3; second += 1) {
        await monitor.report(POOL, aShare())
        clock.nowMs += 1_000
      }
      expect(asked).toHaveLength(1)
      answer.resolve(vllmMetrics(1))
    }))

  test('that says nothing any more is not believed to be idle', () =>
    inOwnPoolMonitor({}, async ({ monitor, clock }) => {
      answerGets(() => vllmMetrics(5))
      await monitor.report(POOL, aShare())
      await expect.poll(async () => (await monitor.status()).load?.running).toBe(5)
      answerGets(() => new Response('', { status: 500 }))
      clock.nowMs += 10_001
      expect(await monitor.report(POOL, aShare())).not.toHaveProperty('load')
    }))

  test('that runs more than the mesh has there, for half a minute, is written to the log once', () =>
    inOwnPoolMonitor({}, async ({ monitor, clock, lines }) => {
      answerGets(() => vllmMetrics(9, 1))
      for (let second = 0; second <= 60; second += 1) {
        await monitor.report(POOL, aShare({ inFlight: 3 }))
        // So that what the report began has ended when time goes on.
        await scheduler.wait(1)
        clock.nowMs += 1_000
      }
      expect(lines).toEqual([{ event: 'pool_running_gap', pool: POOL, running: 9, waiting: 1, in_flight: 3 }])
    }))
})

describe('of several ways to ask', () => {
  const URLS = {
    first: 'http://sg.own.test/v1/loads?include=core',
    second: 'http://sg.own.test/get_load',
    third: 'http://sg.own.test/metrics',
  }
  const pools = [
    {
      id: 'sg',
      region: 'eu-central',
      dialect: 'sglang',
      url: 'http://sg.own.test/v1',
      models: [{ model: 'story' }],
    },
  ]

  test('the one that worked is asked first from then on, and what is not there not for a minute', () =>
    inOwnPoolMonitor({ config: { pools } }, async ({ monitor, clock }) => {
      let metricsStatus = 200
      const asked = answerGets(({ pathname }) =>
        pathname === '/metrics'
          ? new Response(
              'sglang:num_running_reqs{model_name="m"} 4\nsglang:num_queue_reqs{model_name="m"} 0\n',
              {
                status: metricsStatus,
              },
            )
          : new Response('', { status: pathname === '/get_load' ? 501 : 404 }),
      )
      const report = async (): Promise<string[]> => {
        const before = asked.length
        await monitor.report('sg', aShare())
        await scheduler.wait(20)
        return asked.slice(before)
      }
      expect(await report()).toEqual([URLS.first, URLS.second, URLS.third])
      expect((await monitor.status()).load?.running).toBe(4)
      clock.nowMs += 1_000
      expect(await report()).toEqual([URLS.third])
      clock.nowMs += 1_000
      metricsStatus = 500
      expect(await report()).toEqual([URLS.third])
      clock.nowMs += 58_000
      expect(await report()).toEqual([URLS.third, URLS.first, URLS.second])
    }))
})
