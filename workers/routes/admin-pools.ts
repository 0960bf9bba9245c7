/** /admin/v1/pools: what is known of the pools, and taking one out of the mesh. */
import { Hono, type Context } from 'hono'
import { OTHERS_EVERY_MS, TICK_JITTER, TICK_MS } from '../../shared/monitor/region-rounds.ts'
import type { LoadReport } from '../../shared/pool/load-report.ts'
import { levelMs } from '../../shared/pool/prefill-fit.ts'
import type { SharedPool } from '../../shared/pool/region-snapshot.ts'
import type { PoolState } from '../../shared/pool/snapshot.ts'
import { edgeRegionOf } from '../../shared/residency/arrival.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import type { AppVariables } from '../app-variables.ts'
import { failed } from '../error-response.ts'
import { ASK_WITHIN_MS } from '../objects/region-monitor.ts'
import {
  EXCHANGE_EVERY_MS,
  EXCHANGE_JITTER,
  EXCHANGE_WITHIN_MS,
  YOUNG_MS,
} from '../stores/region-exchange.ts'
import { regionSnapshot } from '../region-snapshot.ts'

/**
 * How long it takes at most, when nothing is down, until every isolate that serves requests knows that a pool was taken out:
 * its region's monitor asks the pool's, its data centre's cache may be that much behind, and then it exchanges.
 */
const DRAIN_HOLDS_WITHIN_MS =
  OTHERS_EVERY_MS +
  TICK_MS * (1 + TICK_JITTER) +
  ASK_WITHIN_MS +
  YOUNG_MS +
  EXCHANGE_EVERY_MS * (1 + EXCHANGE_JITTER) +
  EXCHANGE_WITHIN_MS

export function adminPoolRoutes(): Hono<AppVariables> {
  const pools = new Hono<AppVariables>()

  /** What this isolate and its region have measured of each pool, from where the request arrived. */
  pools.get('/', async (context) => {
    const edge = context.get('edge')
    const from = arrivedAt(context)
    const own = edge.pools.seenFrom(from.id).all
    const nowMs = edge.runtime.now()
    const region = await regionSnapshot(from, from, edge)
    return context.json({
      seen_from: from.id,
      pools: edge.mesh.config.pools.map(({ id }) => ({
        id,
        ...ownView(own.get(id)),
        region: regionView(region?.pools[id], nowMs),
      })),
    })
  })

  /** Nothing new goes to the pool; what runs there runs to its end. */
  pools.post('/:pool/drain', (context) => drain(context, true))
  pools.delete('/:pool/drain', (context) => drain(context, false))
  return pools
}

async function drain(context: Context<AppVariables, '/:pool/drain'>, isDrained: boolean): Promise<Response> {
  const { mesh, stubs, runtime } = context.get('edge')
  const pool = mesh.config.pools.find(({ id }) => id === context.req.param('pool'))
  const region = pool && mesh.regions.get(pool.region)
  if (pool === undefined || region === undefined) return failed({ reason: 'not_found' })
  const from = arrivedAt(context)
  if (from.id !== region.id) await runtime.crossRegions(from, region)
  await stubs.poolMonitor(region, pool.id).drain(isDrained)
  return context.json({ pool: pool.id, drained: isDrained, holds_within_ms: DRAIN_HOLDS_WITHIN_MS })
}

function arrivedAt(context: Context<AppVariables>): Region {
  const { mesh, runtime } = context.get('edge')
  return edgeRegionOf(runtime.arrivalOf(context.req.raw), mesh.config.regions)
}

function ownView(state: PoolState | undefined) {
  const levelOfPool = levelMs(state?.measures.prefill)
  return {
    pending: state?.pending ?? 0,
    breaker: state?.measures.breaker.kind ?? 'closed',
    first_token_ms: levelOfPool === undefined ? null : Math.round(levelOfPool),
  }
}

function regionView(pool: SharedPool | undefined, nowMs: number) {
  if (pool === undefined) return null
  const levelOfPool = levelMs(pool.measures.prefill)
  return {
    in_flight: pool.inFlight,
    tokens_per_second: Math.round(pool.tokensPerSecond),
    drained: pool.isDrained,
    breaker: pool.measures.breaker.kind,
    first_token_ms: levelOfPool === undefined ? null : Math.round(levelOfPool),
    load: pool.load === undefined ? null : loadView(pool.load, nowMs),
  }
}

/** What a pool does not tell is left out. */
function loadView(load: LoadReport, nowMs: number) {
  const { running, waiting, waitingTokens, runningTokens, kvUse, maxRunning, atMs } = load
  return {
    running,
    waiting,
    waiting_tokens: waitingTokens,
    running_tokens: runningTokens,
    kv_use: kvUse,
    max_running: maxRunning,
    age_ms: Math.max(0, nowMs - atMs),
  }
}
