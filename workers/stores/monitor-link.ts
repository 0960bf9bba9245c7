/** The exchange with the region's monitor, as whoever dispatches sees it: what happens behind one request, or in one object. */
import type { RegionView } from './pool-states.ts'
import type { RegionExchange } from './region-exchange.ts'

export interface MonitorLink {
  /** Lets a view that knows nothing, or nothing of late, take what is at hand; a few milliseconds at the most. */
  warmUp(view: RegionView): Promise<void>
  /** A request begins, or something was seen: tells it in the background, when it is time to. */
  refresh(view: RegionView): void
}

/** `host`: the one a request named; without it there is no cache to look into. */
export function monitorLink(
  exchange: RegionExchange,
  host: string | undefined,
  waitUntil: (work: Promise<unknown>) => void,
): MonitorLink {
  return {
    warmUp: (view) => exchange.warmUp(view, host),
    refresh: (view) => exchange.refresh(view, host, waitUntil),
  }
}
