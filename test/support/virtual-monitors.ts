/** The monitors of regions and pools in virtual time: what their objects do with shared/monitor, without the network. */
import {
  createPoolView,
  hearShare,
  keepLoad,
  statusOf,
  type PoolMonitorView,
} from '../../shared/monitor/pool-view.ts'
import {
  accept,
  createRegionView,
  keepProbe,
  keepStatus,
  shareOf,
  snapshot,
  type RegionMonitorView,
} from '../../shared/monitor/region-view.ts'
import { isProbeDue, TICK_MS } from '../../shared/monitor/region-rounds.ts'
import type { RegionSnapshot } from '../../shared/pool/region-snapshot.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import type { RegionView } from '../../workers/stores/pool-states.ts'
import type { Engine } from './virtual-engine.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface Reports {
  /** How often an edge tells its region's monitor what is new and hears what that knows; 2 s on the platform. */
  readonly everyMs: number
  /** How old that is when it arrives; 0 without it. */
  readonly lateMs?: number
}

export interface Monitors {
  /** Has an edge exchange reports with the monitor of its region from now on. */
  join(view: RegionView): void
  drain(pool: string, isDrained: boolean): void
}

/** Intervals vary by a fifth to either side, so that nobody beats with anybody. */
const JITTER = 0.2

export function createMonitors(
  { regions, pools, models }: MeshConfig,
  engines: ReadonlyMap<string, Engine>,
  rttMs: (region: string, pool: string) => number,
  reports: Reports,
  time: VirtualTime,
): Monitors {
  const poolIds = pools.map(({ id }) => id)
  const poolViews = new Map(poolIds.map((id) => [id, createPoolView(false)]))
  const modelIds = models.map(({ id }) => id)
  const regionViews = new Map(regions.map(({ id }) => [id, createRegionView(id, poolIds, modelIds)]))

  function tick(): void {
    for (const [id, poolView] of poolViews) askPool(id, poolView)
    time.after(jittered(TICK_MS), tick)
  }

  function askPool(id: string, poolView: PoolMonitorView): void {
    const nowMs = time.now()
    const engine = engines.get(id)
    const load = engine?.fault === 'refuses' ? undefined : engine?.reading()
    if (load !== undefined) keepLoad(poolView, { ...load, atMs: nowMs })
    for (const regionView of regionViews.values()) askFrom(regionView, id, poolView)
  }

  function askFrom(regionView: RegionMonitorView, id: string, poolView: PoolMonitorView): void {
    const nowMs = time.now()
    const watched = regionView.pools.get(id)
    if (watched === undefined) return
    const share = shareOf(regionView, id, nowMs)
    hearShare(poolView, share, nowMs)
    keepStatus(watched, share, statusOf(poolView, nowMs), nowMs)
    if (!isProbeDue(watched, nowMs)) return
    watched.probedAtMs = nowMs
    const isAlive = engines.get(id)?.fault !== 'refuses'
    keepProbe(watched, { isAlive, tookMs: rttMs(regionView.region, id) }, nowMs)
  }

  function exchange(view: RegionView, regionView: RegionMonitorView): void {
    accept(regionView, view.takeReport(), time.now())
    const heard: RegionSnapshot = snapshot(regionView, time.now())
    time.after(reports.lateMs ?? 0, () => view.accept(heard))
    time.after(jittered(reports.everyMs), () => exchange(view, regionView))
  }

  function jittered(ms: number): number {
    return ms * (1 - JITTER + 2 * JITTER * time.random())
  }

  time.after(0, tick)
  return {
    join(view) {
      const regionView = regionViews.get(view.region)
      if (regionView !== undefined) time.after(jittered(reports.everyMs), () => exchange(view, regionView))
    },
    drain(pool, isDrained) {
      const poolView = poolViews.get(pool)
      if (poolView !== undefined) poolView.isDrained = isDrained
    },
  }
}
