/**
 * How an isolate tells its region's monitor what it has seen, and learns what the others have. All of it happens behind
 * requests: none waits for it, and where it fails routing goes on with what the isolate knows itself.
 */
import type { RegionSnapshot } from '../../shared/pool/region-snapshot.ts'
import type { Mesh } from '../mesh.ts'
import type { Stubs } from '../objects/stubs.ts'
import type { Runtime } from '../runtime.ts'
import { within } from '../within.ts'
import type { RegionView } from './pool-states.ts'
import type { RequestCounts } from './request-counts.ts'
import { createSnapshotCache } from './snapshot-cache.ts'

/** What is exchanged of what an isolate knows. */
export type ExchangedView = Pick<
  RegionView,
  'region' | 'isFresh' | 'snapshotAtMs' | 'hasNews' | 'takeReport' | 'giveBack' | 'accept'
>

export interface RegionExchange {
  /**
   * For an isolate that knows nothing, or nothing of late: takes what the data centre's cache holds, if that comes within a
   * few milliseconds. Never calls an object or KV, never rejects. `host` is the one the request named; without one (in an object) there is no
   * cache.
   */
  warmUp(view: ExchangedView, host: string | undefined): Promise<void>
  /**
   * Tells the region's monitor what is new and takes its snapshot, in the background, as soon as it is time to. To be called
   * when a request begins, and when something was seen.
   */
  refresh(view: ExchangedView, host: string | undefined, waitUntil: (work: Promise<unknown>) => void): void
}

export const EXCHANGE_EVERY_MS = 2_000
export const EXCHANGE_JITTER = 0.2
export const EXCHANGE_WITHIN_MS = 2_000
/** A monitor that failed is left alone for so long. */
const AFTER_FAILURE_MS = 5_000
/** A snapshot this young in the data centre's cache is as good as a new one. */
export const YOUNG_MS = 2_000
/** An isolate that nobody asked for so long has missed much: a pool that was taken out, say. */
const OF_LATE_MS = 10_000
/** Reading a cache in the same building takes a millisecond or two; a request does not wait for a slow one. */
const WARM_UP_WITHIN_MS = 10
/** A cache that had nothing is not asked again by every request that comes in the meantime. */
const WARM_UP_PAUSE_MS = 1_000
const CACHE_WITHIN_MS = 500
/** Of work that goes on after its request the platform ends what takes longer than 30 s. */
const MAX_ROUNDS_MS = 20_000

interface Pace {
  /** When the next exchange is due. */
  nextAtMs: number
  /** Who is at it, and until when that is believed: work behind a request can end without a word. */
  turn?: { untilMs: number }
  /** When a cache was last found to hold nothing. */
  nothingHeldAtMs: number
}

export function createRegionExchange(
  mesh: Pick<Mesh, 'regions' | 'configVersion'>,
  stubs: Pick<Stubs, 'regionMonitor'>,
  runtime: Pick<Runtime, 'now' | 'random' | 'snapshots'>,
  counts?: RequestCounts,
): RegionExchange {
  const cache = createSnapshotCache(mesh, runtime)
  const paces = new Map<string, Pace>()

  function paceOf(region: string): Pace {
    const pace = paces.get(region) ?? { nextAtMs: -Infinity, nothingHeldAtMs: -Infinity }
    paces.set(region, pace)
    return pace
  }

  function hasNews(view: ExchangedView): boolean {
    return view.hasNews() || counts?.hasNews(view.region) === true
  }

  /** One exchange after another while there is news, so that what was seen last does not wait for the next request. */
  async function exchangeInTurn(view: ExchangedView, host: string | undefined, pace: Pace): Promise<void> {
    const turn = { untilMs: Infinity }
    pace.turn = turn
    const endsAtMs = runtime.now() + MAX_ROUNDS_MS
    do {
      const waitMs = Math.max(0, pace.nextAtMs - runtime.now())
      turn.untilMs = runtime.now() + waitMs + EXCHANGE_WITHIN_MS + 3 * CACHE_WITHIN_MS
      if (waitMs > 0) await pause(waitMs)
      const isDone = await exchange(view, host)
      const jitter = 1 - EXCHANGE_JITTER + 2 * EXCHANGE_JITTER * runtime.random()
      pace.nextAtMs = runtime.now() + (isDone ? EXCHANGE_EVERY_MS * jitter : AFTER_FAILURE_MS)
      if (!isDone) break
    } while (hasNews(view) && runtime.now() < endsAtMs)
    if (pace.turn === turn) delete pace.turn
  }

  /** Whether the isolate now knows what its region knows. */
  async function exchange(view: ExchangedView, host: string | undefined): Promise<boolean> {
    if (!hasNews(view)) {
      const held = await cache.read(view.region, host, CACHE_WITHIN_MS)
      if (held !== undefined && runtime.now() - held.atMs < YOUNG_MS) return take(view, held)
    }
    const snapshot = await tell(view)
    if (snapshot === undefined || !take(view, snapshot)) return false
    // A monitor that has just begun knows nothing: what others have left is worth more.
    if (Object.keys(snapshot.pools).length > 0) await cache.write(snapshot, host, CACHE_WITHIN_MS)
    return true
  }

  async function tell(view: ExchangedView): Promise<RegionSnapshot | undefined> {
    const region = mesh.regions.get(view.region)
    if (region === undefined) return undefined
    const report = view.takeReport()
    const counted = counts?.take(region.id)
    try {
      const answer = stubs.regionMonitor(region).exchange(region.id, report, counted)
      const snapshot = await within(answer, EXCHANGE_WITHIN_MS)
      if (snapshot !== undefined) return snapshot
    } catch {
      // Overloaded, or its code was just replaced: the same as one that does not answer.
    }
    view.giveBack(report)
    if (counted !== undefined) counts?.giveBack(region.id, counted)
    return undefined
  }

  return {
    async warmUp(view, host) {
      const pace = paceOf(view.region)
      const nowMs = runtime.now()
      const { isFresh, snapshotAtMs } = view
      const isCold = snapshotAtMs === undefined ? isFresh : nowMs - snapshotAtMs > OF_LATE_MS
      if (!isCold) return
      if (nowMs - pace.nothingHeldAtMs < WARM_UP_PAUSE_MS) return
      const held = await cache.read(view.region, host, WARM_UP_WITHIN_MS)
      if (held === undefined || !take(view, held)) pace.nothingHeldAtMs = runtime.now()
    },

    refresh(view, host, waitUntil) {
      const pace = paceOf(view.region)
      const nowMs = runtime.now()
      if (pace.turn !== undefined && nowMs < pace.turn.untilMs) return
      if (!hasNews(view)) {
        const isYoung = nowMs - (view.snapshotAtMs ?? -Infinity) < YOUNG_MS
        if (isYoung || nowMs < pace.nextAtMs) return
      }
      waitUntil(exchangeInTurn(view, host, pace))
    },
  }
}

/** What other code has written may not be understood; then it is as if there were none. */
function take(view: ExchangedView, snapshot: RegionSnapshot): boolean {
  try {
    view.accept(snapshot)
    return true
  } catch {
    return false
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
