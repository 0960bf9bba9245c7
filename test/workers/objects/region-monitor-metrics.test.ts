/** A region's monitor adds up what it is told, bounded, and forgets it when it restarts. */
import { evictDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { createCounts, increment } from '../../../shared/metrics/counts.ts'
import { aReport, REGION } from '../support/region-reports.ts'

function attempts(...models: readonly string[]) {
  const counts = createCounts()
  for (const model of models) increment(counts, 'mesh_attempts_total', { model })
  return counts
}

function aMonitor() {
  return env.REGION_MONITOR.getByName(`test/${crypto.randomUUID()}`)
}

test('what several observers have counted is added up, and an exchange without counts changes nothing', async () => {
  const monitor = aMonitor()
  await monitor.exchange(REGION, aReport(), attempts('story', 'story'))
  await monitor.exchange(REGION, aReport({ observer: 'isolate-2' }), attempts('story', 'tale'))
  await monitor.exchange(REGION, aReport())
  const { counts, sinceMs } = await monitor.metrics(REGION)
  expect(counts.counters).toEqual({ mesh_attempts_total: { 'model="story"': 3, 'model="tale"': 1 } })
  expect(Date.now() - sinceMs).toBeLessThan(60_000)
})

test('more series than it holds are counted together', async () => {
  const monitor = aMonitor()
  const models = Array.from({ length: 2_100 }, (_, number) => `m${number}`)
  await monitor.exchange(REGION, aReport(), attempts(...models))
  const { counts } = await monitor.metrics(REGION)
  const series = counts.counters['mesh_attempts_total'] ?? {}
  expect(Object.keys(series)).toHaveLength(2_001)
  expect(series['overflow="true"']).toBe(100)
})

test('one that was restarted counts from nothing, and says since when', async () => {
  const monitor = aMonitor()
  await monitor.exchange(REGION, aReport(), attempts('story'))
  const before = (await monitor.metrics(REGION)).sinceMs
  await evictDurableObject(monitor)
  const after = await monitor.metrics(REGION)
  expect(after.counts).toEqual({ counters: {}, histograms: {} })
  expect(after.sinceMs).toBeGreaterThanOrEqual(before)
})
