/**
 * PoolMonitor: one object per pool, in the pool's region. Hears what every region has in flight at the pool, asks the pool
 * about its load while somebody uses the mesh, and holds whether an operator has taken it out. Nothing of a request comes
 * here, only counts: of all it holds, the operator's word alone is durable.
 */
import { DurableObject } from 'cloudflare:workers'
import {
  createPoolView,
  hearShare,
  keepLoad,
  statusOf,
  type PoolStatus,
  type RegionShare,
} from '../../shared/monitor/pool-view.ts'
import { tickAfterMs } from '../../shared/monitor/region-rounds.ts'
import { watchGap, type RunningGap } from '../../shared/monitor/running-gap.ts'
import type { LoadReading } from '../../shared/pool/load-report.ts'
import type { Pool } from '../../shared/schema/mesh.ts'
import type { Environment } from '../environment.ts'
import { liveMesh } from '../live-mesh.ts'
import type { Mesh } from '../mesh.ts'
import { createLoadSources, type LoadSources } from '../outgoing/ask-load.ts'
import type { Runtime } from '../runtime.ts'
import { createConfigLeases } from '../stores/config-leases.ts'
import type { Methods } from './methods.ts'
import type { PoolMonitorRpc } from './pool-monitor-rpc.ts'
import { createStubs } from './stubs.ts'

const DRAINED = 'drained'

/** Makes the class for a mesh and a runtime: production's, or the local one's. */
export function poolMonitorClass(deployed: Mesh, runtime: Runtime) {
  const configs = createConfigLeases(deployed, createStubs(deployed.env, deployed.mode), runtime)
  const mesh = liveMesh(deployed, configs)

  return class PoolMonitor extends DurableObject<Environment> implements Methods<PoolMonitorRpc> {
    readonly #view = createPoolView(this.ctx.storage.kv.get(DRAINED) === true)
    #sources: { readonly of: Pool; readonly load: LoadSources | undefined } | undefined
    #isAsking = false
    #nextAskAtMs = 0
    #gap: RunningGap | undefined

    report(pool: string, share: RegionShare): Promise<PoolStatus> {
      const nowMs = runtime.now()
      if (mesh.regions.has(share.region)) hearShare(this.#view, share, nowMs)
      // In the background, each at its own pace: who reports never waits for the pool.
      if (!this.#isAsking && nowMs >= this.#nextAskAtMs) this.ctx.waitUntil(this.#askPool(pool))
      return Promise.resolve(statusOf(this.#view, nowMs))
    }

    async drain(isDrained: boolean): Promise<void> {
      this.#view.isDrained = isDrained
      this.ctx.storage.kv.put(DRAINED, isDrained)
      await runtime.committed()
    }

    status(): Promise<PoolStatus> {
      return Promise.resolve(statusOf(this.#view, runtime.now()))
    }

    async #askPool(pool: string): Promise<void> {
      const askedAtMs = runtime.now()
      this.#isAsking = true
      this.#nextAskAtMs = askedAtMs + tickAfterMs(runtime.random())
      try {
        const lease = await configs.hold(undefined, (work) => this.ctx.waitUntil(work))
        const known = lease?.mesh.config.pools.find(({ id }) => id === pool)
        // A pool that is not in the config any more, or where nobody can say, is not asked.
        if (known === undefined) return
        if (this.#sources?.of !== known) this.#sources = { of: known, load: sourcesOf(known) }
        const reading = await this.#sources.load?.ask()
        if (reading === undefined) return
        keepLoad(this.#view, { ...reading, atMs: askedAtMs })
        this.#watchGap(pool, reading)
      } finally {
        this.#isAsking = false
      }
    }

    #watchGap(pool: string, reading: LoadReading): void {
      const nowMs = runtime.now()
      const { inFlight } = statusOf(this.#view, nowMs)
      const { gap, isRaised } = watchGap(this.#gap, reading, inFlight, nowMs)
      this.#gap = gap
      if (!isRaised) return
      const { running, waiting } = reading
      runtime.log({ event: 'pool_running_gap', pool, running, waiting, in_flight: inFlight })
    }
  }

  function sourcesOf(pool: Pool): LoadSources | undefined {
    const region = mesh.regions.get(pool.region)
    return region && createLoadSources(pool, region, { mesh, runtime })
  }
}
