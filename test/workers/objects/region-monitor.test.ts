/** A region's monitor: answers from memory, asks pools' monitors by alarm, and is missed by nobody when it restarts. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answerGets, inOwnRegionMonitor } from '../support/own-monitors.ts'
import { aReport, nothingElse, poolMonitors, POOLS, REGION } from '../support/region-reports.ts'

beforeEach(() => {
  answerGets(() => new Response(''))
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('inside the runtime', () => {
  function aMonitor() {
    return env.REGION_MONITOR.getByName(`test/${crypto.randomUUID()}`)
  }

  test('one that has just begun says that it knows nothing; after its first alarm it knows the pools', async () => {
    const monitor = aMonitor()
    const first = await monitor.exchange(REGION, aReport({ inFlight: { 'us-east': 2 } }))
    expect(first).toMatchObject({ region: REGION, pools: {} })
    await expect.poll(async () => Object.keys((await monitor.snapshot(REGION)).pools)).toEqual(POOLS)
    expect((await monitor.snapshot(REGION)).pools['us-east']).toMatchObject({ inFlight: 2, isDrained: false })
  })

  test('what an operator took out it hears from the pool’s monitor', async () => {
    const monitor = aMonitor()
    await env.POOL_MONITOR.getByName('pool/ap-southeast').drain(true)
    await monitor.exchange(REGION, aReport())
    const isDrained = async () => (await monitor.snapshot(REGION)).pools['ap-southeast']?.isDrained
    await expect.poll(isDrained).toBe(true)
    await env.POOL_MONITOR.getByName('pool/ap-southeast').drain(false)
    await expect.poll(isDrained, { timeout: 10_000 }).toBe(false)
  })

  test('an alarm sets the next', async () => {
    const monitor = aMonitor()
    await monitor.exchange(REGION, aReport())
    await runDurableObjectAlarm(monitor)
    const inMs = () =>
      runInDurableObject(monitor, async (_, { storage }) => ((await storage.getAlarm()) ?? 0) - Date.now())
    await expect.poll(inMs).toBeGreaterThan(0)
    expect(await inMs()).toBeLessThanOrEqual(1_200)
  })

  test('one that was restarted forgets, lets its alarm pass, and begins again with the next exchange', async () => {
    const monitor = aMonitor()
    await monitor.exchange(REGION, aReport({ inFlight: { 'us-east': 2 } }))
    await expect.poll(async () => Object.keys((await monitor.snapshot(REGION)).pools)).toHaveLength(3)
    await evictDurableObject(monitor)
    expect((await monitor.snapshot(REGION)).pools).toEqual({})
    await runDurableObjectAlarm(monitor)
    expect(await runDurableObjectAlarm(monitor)).toBe(false)
    expect((await monitor.exchange(REGION, aReport())).pools).toEqual({})
    await expect.poll(async () => Object.keys((await monitor.snapshot(REGION)).pools)).toHaveLength(3)
  })
})

describe('its alarm', () => {
  test('goes on while somebody reports, and for half a minute after', () =>
    inOwnRegionMonitor({ environment: poolMonitors(nothingElse) }, async ({ monitor, state, clock }) => {
      await monitor.exchange(REGION, aReport())
      expect(await state.storage.getAlarm()).toBe(clock.nowMs)
      clock.nowMs += 29_999
      await monitor.alarm()
      expect(await state.storage.getAlarm()).toBe(clock.nowMs + 1_000)
      await state.storage.deleteAlarm()
      clock.nowMs += 1
      await monitor.alarm()
      expect(await state.storage.getAlarm()).toBeNull()
    }))

  test('is set again if it was lost', () =>
    inOwnRegionMonitor({ environment: poolMonitors(nothingElse) }, async ({ monitor, state, clock }) => {
      await monitor.exchange(REGION, aReport())
      await state.storage.deleteAlarm()
      clock.nowMs += 10_000
      await monitor.exchange(REGION, aReport())
      expect(await state.storage.getAlarm()).toBeNull()
      clock.nowMs += 1
      await monitor.exchange(REGION, aReport())
      expect(await state.storage.getAlarm()).toBe(clock.nowMs)
    }))

  test('asks about pools in use every time, about the others every five seconds', () => {
    const asked: string[] = []
    const environment = poolMonitors((pool, share) => {
      asked.push(pool)
      return nothingElse(pool, share)
    })
    return inOwnRegionMonitor({ environment }, async ({ monitor, clock }) => {
      for (let second = 0; second < 10; second += 1) {
        await monitor.exchange(REGION, aReport({ inFlight: { 'us-east': 1 } }))
        await monitor.alarm()
        await scheduler.wait(1)
        clock.nowMs += 1_000
      }
      const times = POOLS.map((pool) => asked.filter((id) => id === pool).length)
      expect(times).toEqual([2, 10, 2])
    })
  })

  test('tells what the region has in flight and sends', () => {
    const told: unknown[] = []
    const environment = poolMonitors((pool, share) => {
      told.push([pool, share])
      return nothingElse(pool, share)
    })
    return inOwnRegionMonitor({ environment }, async ({ monitor }) => {
      await monitor.exchange(REGION, aReport({ inFlight: { 'us-east': 3 }, sentTokens: { 'us-east': 500 } }))
      await monitor.alarm()
      await expect.poll(() => told.length).toBe(3)
      expect(told).toContainEqual(['us-east', { region: REGION, inFlight: 3, tokensPerSecond: 50 }])
    })
  })

  test('waits for no pool’s monitor; one that fails or hangs leaves the pool known', () => {
    const environment = poolMonitors((pool, share) => {
      if (pool === 'us-east') return new Promise(() => undefined)
      return pool === 'ap-southeast' ? Promise.reject(new Error('gone')) : nothingElse(pool, share)
    })
    return inOwnRegionMonitor({ environment }, async ({ monitor }) => {
      await monitor.exchange(REGION, aReport())
      await monitor.alarm()
      const known = async () => Object.keys((await monitor.snapshot(REGION)).pools)
      await expect.poll(known).toEqual(['eu-central', 'ap-southeast'])
      await expect.poll(known, { timeout: 5_000 }).toEqual(POOLS)
    })
  })

  test('asks a monitor that hangs no second time in the meantime', () => {
    let asked = 0
    const environment = poolMonitors(() => {
      asked += 1
      return new Promise(() => undefined)
    })
    return inOwnRegionMonitor({ environment }, async ({ monitor, clock }) => {
      for (let second = 0; second < 5; second += 1) {
        await monitor.exchange(REGION, aReport({ inFlight: { 'us-east': 1 } }))
        await monitor.alarm()
        await scheduler.wait(1)
        clock.nowMs += 1_000
      }
      expect(asked).toBe(3)
    })
  })

  test('pays for the way to monitors of other regions, and for none to its own', () => {
    const ways: string[] = []
    const runtime = {
      crossRegions: (from: { id: string }, to: { id: string }) => {
        ways.push(`${from.id} → ${to.id}`)
        return Promise.resolve()
      },
    }
    return inOwnRegionMonitor({ environment: poolMonitors(nothingElse), runtime }, async ({ monitor }) => {
      await monitor.exchange(REGION, aReport())
      await monitor.alarm()
      await expect.poll(async () => Object.keys((await monitor.snapshot(REGION)).pools)).toHaveLength(3)
      expect(ways).toEqual(['eu-central → us-east', 'eu-central → ap-southeast'])
    })
  })
})
