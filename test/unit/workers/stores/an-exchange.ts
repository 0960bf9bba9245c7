/** An isolate that exchanges with its region's monitor, a monitor that answers as a test says, and one clock for all of it. */
import { vi } from 'vitest'
import type { ObserverReport, RegionSnapshot } from '../../../../shared/pool/region-snapshot.ts'
import type { Region } from '../../../../shared/schema/mesh.ts'
import { createRegionExchange, type ExchangedView } from '../../../../workers/stores/region-exchange.ts'
import { aRuntime } from '../a-runtime.ts'
import { aFakeCache } from './a-fake-cache.ts'

export const HOST = 'mesh.example'

interface SetUp {
  /** What the monitor does when asked; without it, it answers at once. */
  readonly monitor?: (report: ObserverReport) => Promise<RegionSnapshot>
  readonly cache?: Cache | undefined
}

export function anExchange({ monitor, cache = aFakeCache().cache }: SetUp = {}) {
  const runtime = aRuntime({ snapshots: () => Promise.resolve(cache) })
  const reports: ObserverReport[] = []
  const view = aView()
  const stubs = {
    regionMonitor: () => ({
      exchange: (_region: string, report: ObserverReport) => {
        reports.push(report)
        return monitor?.(report) ?? Promise.resolve(aSnapshot(runtime.now()))
      },
    }),
  }
  const mesh = {
    regions: new Map([['eu', { id: 'eu' } as Region]]),
    configVersion: () => Promise.resolve('cfg_1'),
  }
  // Only the one call is made.
  const exchange = createRegionExchange(mesh, stubs as never, runtime)
  const background: Promise<unknown>[] = []
  return {
    runtime,
    reports,
    view,
    exchange,
    background,
    refresh: (host: string | undefined = HOST) =>
      exchange.refresh(view, host, (work) => background.push(work)),
    /** All clocks go together. */
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= 100) {
        runtime.advance(Math.min(100, left))
        await vi.advanceTimersByTimeAsync(Math.min(100, left))
      }
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

export type IsolateView = ReturnType<typeof aView>

/** An isolate's knowledge, whose news are told by the test. */
function aView() {
  let news = 0
  const view = {
    region: 'eu',
    isFresh: true,
    snapshotAtMs: undefined as number | undefined,
    accepted: [] as RegionSnapshot[],
    given: [] as ObserverReport[],
    see: () => {
      news += 1
      view.isFresh = false
    },
    hasNews: () => news > 0,
    takeReport: (): ObserverReport => {
      const inFlight = { near: news }
      news = 0
      return { observer: 'isolate-1', observations: [], inFlight, sentTokens: {} }
    },
    giveBack: (report: ObserverReport) => {
      view.given.push(report)
      news += report.inFlight['near'] ?? 0
    },
    accept: (snapshot: RegionSnapshot) => {
      view.accepted.push(snapshot)
      view.isFresh = false
      view.snapshotAtMs = snapshot.atMs
    },
  }
  return view satisfies ExchangedView
}

export function aSnapshot(atMs: number): RegionSnapshot {
  const near = {
    measures: { breaker: { kind: 'closed', failures: [] }, saturation: [] },
    inFlight: 0,
    tokensPerSecond: 0,
    isDrained: false,
  }
  return { region: 'eu', atMs, pools: { near: near as never }, tokenRatios: {} }
}

/** Leaves a snapshot in a cache as another isolate of the data centre would. */
export async function leaveIn(cache: Cache, atMs: number): Promise<void> {
  const other = anExchange({ cache, monitor: () => Promise.resolve(aSnapshot(atMs)) })
  other.view.see()
  other.refresh()
  await Promise.all(other.background)
}
