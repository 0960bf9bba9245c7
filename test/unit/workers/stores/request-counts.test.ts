/** An isolate's counts are told once, and come back where they did not arrive. */
import { expect, test, vi } from 'vitest'
import { increment } from '../../../../shared/metrics/counts.ts'
import { createRegionExchange } from '../../../../workers/stores/region-exchange.ts'
import { createRequestCounts } from '../../../../workers/stores/request-counts.ts'
import { aRuntime } from '../a-runtime.ts'
import { anExchange, aSnapshot } from './an-exchange.ts'

const STORY = { model: 'story' }

test('what was taken is taken, each region’s apart', () => {
  const counts = createRequestCounts()
  increment(counts.of('eu'), 'mesh_attempts_total', STORY)
  expect([counts.hasNews('eu'), counts.hasNews('us')]).toEqual([true, false])
  expect(counts.take('eu')?.counters).toEqual({ mesh_attempts_total: { 'model="story"': 1 } })
  expect(counts.hasNews('eu')).toBe(false)
  expect(counts.take('eu')).toBeUndefined()
})

test('what comes back is added to what was counted since', () => {
  const counts = createRequestCounts()
  increment(counts.of('eu'), 'mesh_attempts_total', STORY, 2)
  const taken = counts.take('eu')
  increment(counts.of('eu'), 'mesh_attempts_total', STORY, 3)
  if (taken !== undefined) counts.giveBack('eu', taken)
  expect(counts.take('eu')?.counters).toEqual({ mesh_attempts_total: { 'model="story"': 5 } })
})

test('an exchange takes them along, also where nothing else is new, and keeps them where it fails', async () => {
  vi.useFakeTimers()
  try {
    const { view } = anExchange()
    const runtime = aRuntime({ snapshots: () => Promise.resolve(undefined) })
    const counts = createRequestCounts()
    const told: unknown[] = []
    let isDown = true
    const stubs = {
      regionMonitor: () => ({
        exchange: (_region: string, _report: unknown, counted: unknown) => {
          if (isDown) return Promise.reject(new Error('down'))
          told.push(counted)
          return Promise.resolve(aSnapshot(runtime.now()))
        },
      }),
    }
    const mesh = {
      regions: new Map([['eu', { id: 'eu' } as never]]),
      configVersion: () => Promise.resolve('cfg_1'),
    }
    // Only the one call is made.
    const exchange = createRegionExchange(mesh, stubs as never, runtime, counts)
    async function refresh(): Promise<void> {
      const background: Promise<unknown>[] = []
      exchange.refresh(view, undefined, (work) => background.push(work))
      await vi.advanceTimersByTimeAsync(0)
      await Promise.all(background)
    }

    increment(counts.of('eu'), 'mesh_attempts_total', STORY)
    await refresh()
    expect([told, counts.hasNews('eu')]).toEqual([[], true])
    isDown = false
    runtime.advance(5_001)
    await vi.advanceTimersByTimeAsync(5_001)
    await refresh()
    expect(told).toEqual([{ counters: { mesh_attempts_total: { 'model="story"': 1 } }, histograms: {} }])
    expect(counts.hasNews('eu')).toBe(false)
  } finally {
    vi.useRealTimers()
  }
})
