/**
 * How long a request would wait at a pool before the pool begins with its prompt, in milliseconds: from what the pool
 * said last, less what it must have done since, and from what was sent there since and is not in that report yet.
 */
import { isLoadValid, type LoadReport } from '../pool/load-report.ts'
import { SENT_WINDOW_MS, type PoolState, type Sent } from '../pool/snapshot.ts'

/** Of what the mesh had there the rest is counted down, and shares of traffic change slowly: that holds for longer. */
const MAX_SHARED_AGE_MS = 60_000
/** However little of a pool's traffic comes from here: one dispatch of ours stands for at most twenty of all. */
const MIN_SHARE = 0.05
/**
 * What the others have there is taken from what we have there ourselves (at once, but one of ours stands for many: that is
 * noise) and from what they sent of late (smooth, but late), half of each when we have so many there. In simulation, with
 * eight edges, the first alone moved one turn of a conversation in ten for nothing; with the second alone the busiest of
 * four equal pools got 1.36 times the mean; weighed like this, one turn in three hundred and 1.18 times.
 */
const EVEN_AT_OWN = 12
/** What is known of a pool's fill is seconds old: at the limit itself the wait is not infinite, only long. */
const MAX_UTILISATION = 0.95

export interface Queue {
  readonly queueMs: number
  /** The share of the pool's places that is taken; above 1 some wait for one. */
  readonly load: number
}

export interface QueueInput {
  readonly state: PoolState
  /** Requests the pool runs at once, as configured. */
  readonly capacity: number
  readonly msPerToken: number
  /** Expected time to first token of the pool without a queue, for the prompts that wait there now. */
  readonly waitingExpectedMs: number
  readonly nowMs: number
}

export function expectQueue(input: QueueInput): Queue {
  const { state, nowMs } = input
  const report = freshReport(state, nowMs)
  const capacity = report?.maxRunning ?? input.capacity
  const inSystem = requestsThere(state, report, nowMs)
  const queueMs = Math.max(
    prefillBacklogMs(input, report),
    placeWaitMs(state, inSystem, capacity),
    silentMs(input),
  )
  return { queueMs, load: inSystem / capacity }
}

/** What the pool has said of itself, while that says something of what it has to do now. */
export function freshReport({ shared }: PoolState, nowMs: number): LoadReport | undefined {
  const load = shared?.load
  return load !== undefined && isLoadValid(load, nowMs) ? load : undefined
}

/** By whichever source knows of the most: none sees all of them, and none invents any. */
function requestsThere(state: PoolState, report: LoadReport | undefined, nowMs: number): number {
  const { pending, shared } = state
  const isHeard = shared !== undefined && nowMs - shared.atMs <= MAX_SHARED_AGE_MS
  const inFlight = isHeard ? requestsNow(state, shared.inFlight, shared.atMs, nowMs) : 0
  const isCounted = report?.running !== undefined || report?.waiting !== undefined
  const reported = isCounted
    ? requestsNow(state, (report.running ?? 0) + (report.waiting ?? 0), report.atMs, nowMs)
    : 0
  return Math.max(pending, inFlight, reported)
}

/**
 * What has become of so many requests that were there at that time: some have ended, as in an M/M/∞ queue, and everybody
 * has sent others since. Without those, every dispatcher takes the pool that a report calls idle for idle until the next
 * report, and all of them go there (the incast that smg, Dynamo and AIBrix found); without the ends, all of them keep away
 * from it for as long.
 */
function requestsNow(state: PoolState, count: number, atMs: number, nowMs: number): number {
  const { pending, sent, measures } = state
  const own = Math.min(pending, sent.filter((one) => one.atMs > atMs).length)
  const asWeDo = own / shareOfTraffic(state, nowMs) - own
  const serviceMs = measures.decode?.totalMs
  if (serviceMs === undefined) return count + own + asWeDo
  const left = Math.exp((atMs - nowMs) / Math.max(1, serviceMs))
  const asTheyDid = (1 - left) * othersPerMs(state, nowMs) * serviceMs
  const weight = own / (own + EVEN_AT_OWN)
  return count * left + own + weight * asWeDo + (1 - weight) * asTheyDid
}

/** Requests that the others send there, taken to be as long as ours. */
function othersPerMs({ sent, shared }: PoolState, nowMs: number): number {
  const { count, tokens } = sentLately(sent, nowMs)
  if (tokens === 0) return 0
  const all = (shared?.tokensPerSecond ?? 0) / 1000
  return Math.max(0, (all * count) / tokens - count / SENT_WINDOW_MS)
}

function shareOfTraffic({ sent, shared }: PoolState, nowMs: number): number {
  const all = shared?.tokensPerSecond ?? 0
  const own = sentLately(sent, nowMs).tokens / (SENT_WINDOW_MS / 1000)
  return all <= own || own === 0 ? 1 : Math.max(MIN_SHARE, own / all)
}

function sentLately(
  sent: readonly Sent[],
  nowMs: number,
): { readonly count: number; readonly tokens: number } {
  const recent = sent.filter(({ atMs }) => atMs > nowMs - SENT_WINDOW_MS)
  return { count: recent.length, tokens: recent.reduce((sum, { tokens }) => sum + tokens, 0) }
}

/** Prompt tokens that are before this one, at the pool's own rate, less the time it has had for them since it told. */
function prefillBacklogMs(input: QueueInput, report: LoadReport | undefined): number {
  const { state, msPerToken, nowMs } = input
  const ownMs = state.waitingTokens * msPerToken
  if (report?.waitingTokens === undefined) return ownMs
  const { atMs, waitingTokens } = report
  const sent = state.sent.filter((one) => one.atMs > atMs).reduce((sum, { tokens }) => sum + tokens, 0)
  const toldMs = (waitingTokens + sent / shareOfTraffic(state, nowMs)) * msPerToken
  return Math.max(ownMs, toldMs - (nowMs - atMs))
}

/**
 * The wait for a free place: for those in front when all are taken, and otherwise what chance makes of the pool's fill
 * (Sakasegawa's approximation of the M/M/c queue, 1977), since it is known only as it was.
 */
function placeWaitMs({ measures }: PoolState, inSystem: number, capacity: number): number {
  const serviceMs = measures.decode?.totalMs ?? 0
  const over = Math.max(0, inSystem + 1 - capacity)
  const utilisation = Math.min(MAX_UTILISATION, inSystem / capacity)
  const byChance = utilisation ** (Math.sqrt(2 * (capacity + 1)) - 1) / (1 - utilisation)
  return (serviceMs / capacity) * (over + byChance)
}

/**
 * A pool that has given nobody a first token for longer than its prompts take will hardly be quicker now. One that waits
 * alone may be an outlier, which is to move nothing.
 */
function silentMs({ state, waitingExpectedMs, nowMs }: QueueInput): number {
  return state.waitingSinceMs === undefined || state.waiting < 2
    ? 0
    : Math.max(0, nowMs - state.waitingSinceMs - waitingExpectedMs)
}
