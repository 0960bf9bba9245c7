/**
 * RegionMonitor: one object per region, in it. Folds together what the region's isolates and shards have measured, and asks
 * the pools' monitors, and where nobody has measured a pool the pool itself. It is on no request's way. All is in memory: one
 * that restarts knows nothing, says so by an empty snapshot, and knows again within seconds.
 */
import { DurableObject } from 'cloudflare:workers'
import { addCounts, createCounts, type Counts } from '../../shared/metrics/counts.ts'
import type { RegionMetrics } from '../../shared/metrics/exposition.ts'
import { AWAKE_MS, isAskDue, isProbeDue, TICK_MS, tickAfterMs } from '../../shared/monitor/region-rounds.ts'
import {
  accept,
  createRegionView,
  keepOnly,
  keepProbe,
  keepStatus,
  shareOf,
  snapshot,
  type RegionMonitorView,
  type WatchedPool,
} from '../../shared/monitor/region-view.ts'
import type { ObserverReport, RegionSnapshot } from '../../shared/pool/region-snapshot.ts'
import type { Pool, Region } from '../../shared/schema/mesh.ts'
import type { Environment } from '../environment.ts'
import { liveMesh } from '../live-mesh.ts'
import type { Mesh } from '../mesh.ts'
import { canProbe, probePool } from '../outgoing/probe-pool.ts'
import type { Runtime } from '../runtime.ts'
import { createConfigLeases } from '../stores/config-leases.ts'
import { within } from '../within.ts'
import type { Methods } from './methods.ts'
import type { RegionMonitorRpc } from './region-monitor-rpc.ts'
import { createStubs } from './stubs.ts'

/** A pool's monitor that has not answered by then is counted as silent. */
export const ASK_WITHIN_MS = 2_000
/** The platform lets six calls wait for their answers at once; a probe that has to queue would measure the queue. */
const MAX_PROBES = 4
/** Of one metric; what is beyond is counted together. It holds memory and scrapes small, whatever the config lists. */
const MAX_SERIES = 2_000
/** An alarm that is so late does not come any more. */
const ALARM_LOST_MS = 10 * TICK_MS

/** Makes the class for a mesh and a runtime: production's, or the local one's. */
export function regionMonitorClass(deployed: Mesh, runtime: Runtime) {
  const configs = createConfigLeases(deployed, createStubs(deployed.env, deployed.mode), runtime)
  const mesh = liveMesh(deployed, configs)
  const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id)
  const newView = (region: string): RegionMonitorView =>
    createRegionView(region, idsOf(mesh.config.pools), idsOf(mesh.config.models))

  return class RegionMonitor extends DurableObject<Environment> implements Methods<RegionMonitorRpc> {
    readonly #stubs = createStubs(this.env, mesh.mode)
    #view: RegionMonitorView | undefined
    #counts: { readonly sinceMs: number; readonly sums: Counts } | undefined
    /** The config whose pools are watched. */
    #watching = mesh.config
    #exchangedAtMs = -Infinity
    #alarmAtMs = -Infinity
    /** Pools whose monitor is being asked, and those that are being probed. */
    readonly #asking = new Set<string>()
    readonly #probing = new Set<string>()

    exchange(region: string, report: ObserverReport, counts?: Counts): Promise<RegionSnapshot> {
      const nowMs = runtime.now()
      this.#view ??= newView(region)
      this.#follow()
      this.#exchangedAtMs = nowMs
      accept(this.#view, report, nowMs)
      if (counts !== undefined) addCounts(this.#counting(nowMs).sums, counts, MAX_SERIES)
      if (nowMs > this.#alarmAtMs + ALARM_LOST_MS) this.#setAlarm(nowMs)
      return Promise.resolve(snapshot(this.#view, nowMs))
    }

    snapshot(region: string): Promise<RegionSnapshot> {
      return Promise.resolve(snapshot(this.#view ?? newView(region), runtime.now()))
    }

    metrics(region: string): Promise<RegionMetrics> {
      const nowMs = runtime.now()
      const { sinceMs, sums } = this.#counting(nowMs)
      const known = snapshot(this.#view ?? newView(region), nowMs)
      return Promise.resolve({ sinceMs, counts: sums, snapshot: known })
    }

    /** Starts what is due and waits for none of it: a pool that hangs holds up no other. */
    override async alarm(): Promise<void> {
      const lease = await configs.hold(undefined, (work) => this.ctx.waitUntil(work))
      this.#follow()
      const nowMs = runtime.now()
      this.#alarmAtMs = -Infinity
      const region = this.#view && mesh.regions.get(this.#view.region)
      if (this.#view === undefined || region === undefined || nowMs - this.#exchangedAtMs >= AWAKE_MS) return
      this.#setAlarm(nowMs + tickAfterMs(runtime.random()))
      // What may not be in the config any more is left alone.
      for (const pool of lease?.mesh.config.pools ?? []) {
        const watched = this.#view.pools.get(pool.id)
        if (watched === undefined) continue
        if (!this.#asking.has(pool.id) && isAskDue(watched, nowMs)) {
          this.ctx.waitUntil(this.#ask(pool, watched, this.#view, region))
        }
        const isFree = !this.#probing.has(pool.id) && this.#probing.size < MAX_PROBES
        if (isFree && canProbe(pool) && isProbeDue(watched, nowMs)) {
          this.ctx.waitUntil(this.#probe(pool, watched, region))
        }
      }
    }

    #counting(nowMs: number) {
      return (this.#counts ??= { sinceMs: nowMs, sums: createCounts() })
    }

    /** A config that came since has other pools, perhaps. */
    #follow(): void {
      if (this.#watching === mesh.config) return
      this.#watching = mesh.config
      if (this.#view !== undefined) keepOnly(this.#view, idsOf(mesh.config.pools), idsOf(mesh.config.models))
    }

    /** Nobody waits for it to be durable: one that is lost is set again. */
    #setAlarm(atMs: number): void {
      this.#alarmAtMs = atMs
      this.ctx.waitUntil(
        this.ctx.storage.setAlarm(atMs, { allowUnconfirmed: true }).catch(() => {
          this.#alarmAtMs = -Infinity
        }),
      )
    }

    async #ask(pool: Pool, watched: WatchedPool, view: RegionMonitorView, from: Region): Promise<void> {
      const nowMs = runtime.now()
      watched.askedAtMs = nowMs
      const told = shareOf(view, pool.id, nowMs)
      this.#asking.add(pool.id)
      try {
        const answer = this.#reach(pool, from).then((monitor) => monitor?.report(pool.id, told))
        keepStatus(watched, told, await within(answer, ASK_WITHIN_MS), runtime.now())
      } catch {
        // It is asked again at the next tick; what was heard of it goes out of date by itself.
        keepStatus(watched, told, undefined, runtime.now())
      } finally {
        this.#asking.delete(pool.id)
      }
    }

    async #reach(pool: Pool, from: Region) {
      const to = mesh.regions.get(pool.region)
      if (to === undefined) return undefined
      if (to.id !== from.id) await runtime.crossRegions(from, to)
      return this.#stubs.poolMonitor(to, pool.id)
    }

    async #probe(pool: Pool, watched: WatchedPool, from: Region): Promise<void> {
      watched.probedAtMs = runtime.now()
      this.#probing.add(pool.id)
      try {
        const probe = await probePool(pool, from, { mesh, runtime })
        if (probe !== undefined) keepProbe(watched, probe, runtime.now())
      } finally {
        this.#probing.delete(pool.id)
      }
    }
  }
}
