/**
 * What a pool's monitor knows: what each region has in flight there and sends, the newest the pool said of itself, and
 * whether an operator has taken it out. A plain store: whoever calls says what time it is.
 */
import { isLoadValid, type LoadReport } from '../pool/load-report.ts'

/** What a region's monitor tells a pool's every second or so. */
export interface RegionShare {
  readonly region: string
  /** Requests of the region there that have not ended. */
  readonly inFlight: number
  /** Prompt tokens to compute that the region sends there per second. */
  readonly tokensPerSecond: number
}

/** What a pool's monitor answers. */
export interface PoolStatus {
  /** The newest the pool said of itself; absent where it said nothing lately, which is not 0. */
  readonly load?: LoadReport
  /** Of all regions. */
  readonly inFlight: number
  readonly tokensPerSecond: number
  readonly isDrained: boolean
}

export interface PoolMonitorView {
  /** By region id, at most as many as the mesh has. */
  readonly shares: Map<string, RegionShare & { readonly atMs: number }>
  load?: LoadReport
  isDrained: boolean
}

/** A region whose monitor is gone must not be counted for ever; one that is there tells more often. */
export const SHARE_VALID_MS = 10_000

export function createPoolView(isDrained: boolean): PoolMonitorView {
  return { shares: new Map(), isDrained }
}

/** Takes in what one region says. Of a figure that is none, nothing is kept. */
export function hearShare(view: PoolMonitorView, share: RegionShare, nowMs: number): void {
  const { region } = share
  view.shares.set(region, {
    region,
    inFlight: countOf(share.inFlight),
    tokensPerSecond: countOf(share.tokensPerSecond),
    atMs: nowMs,
  })
}

/** Keeps what the pool said, unless it has said something newer already. */
export function keepLoad(view: PoolMonitorView, load: LoadReport): void {
  if (view.load === undefined || view.load.atMs <= load.atMs) view.load = load
}

/** What is worth telling now: each signal has a limit of its own. */
export function statusOf(view: PoolMonitorView, nowMs: number): PoolStatus {
  const { shares, load, isDrained } = view
  const heard = [...shares.values()].filter(({ atMs }) => nowMs - atMs <= SHARE_VALID_MS)
  return {
    ...(load !== undefined && isLoadValid(load, nowMs) ? { load } : {}),
    inFlight: heard.reduce((sum, { inFlight }) => sum + inFlight, 0),
    tokensPerSecond: heard.reduce((sum, share) => sum + share.tokensPerSecond, 0),
    isDrained,
  }
}

function countOf(value: number): number {
  return Number.isFinite(value) && value > 0 ? value : 0
}
