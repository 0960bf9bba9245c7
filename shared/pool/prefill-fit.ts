/**
 * Time to first token of a pool by what it has to compute: ttft − queue = c + s·U, fitted to what was measured. The level
 * c holds the way to the pool and all that does not grow with the prompt; s is the time per uncached token.
 *
 * - s is a Theil–Sen slope. Rates of single samples, as GORGO first fitted them, are noise where U is small; so pairs are
 *   compared, and only those that are far apart. One pair moves s twofold at most, two fourfold: a time to first token may
 *   be off for many reasons.
 * - c follows the five newest samples, less s·U. A rise is believed at its second sample and a fall at its third, so that
 *   one outlier moves nothing. Where a pool was left alone for a while, a lower sample is believed at once: it would
 *   otherwise take as many visits to rejoin a pool that was slow once.
 *
 * A level that changes between short prompts and long ones is taken for a slope, until the older ones are dropped.
 */
import { IDLE_GRACE_MS, MIN_LATENCY_MS } from './peak-ewma.ts'
import {
  MAX_TOKENS,
  NEWEST_KEPT,
  type PrefillSample,
  isCounting,
  isSameDispatch,
  isSound,
  isTokenCount,
  keep,
  union,
} from './prefill-samples.ts'
import { theilSen, type Point } from './theil-sen.ts'

export type { PrefillSample }

/** Plain data: it crosses RPC and the Cache API. */
export interface PrefillFit {
  /** Oldest first. */
  readonly samples: readonly PrefillSample[]
  /** s */
  readonly msPerToken: number
  /** c; absent until something was measured. */
  readonly levelMs?: number
  readonly bestLevelMs?: number
  /** The best of ten minutes: of a pool that is slow and much looked at, samples are not kept for so long. */
  readonly best?: BestLevel
  /** How far predictions of the time to first token were off of late. */
  readonly noiseMs?: number
  /** The last s that rests on enough pairs, for the time when there are too few. */
  readonly settled?: SettledRate
}

interface BestLevel {
  readonly levelMs: number
  /** When it was last seen. */
  readonly atMs: number
}

interface SettledRate {
  readonly msPerToken: number
  readonly atMs: number
}

/**
 * For a pool of which nothing is known. Published rates: 0.05 (Mistral-7B on an A100, Preble; 70B FP8 on two H100, NIM:
 * 0.08) to 0.3 (7–8B on an A100 or L4, llm-d-inference-sim's profiles); GORGO measured 0.094 and 0.07.
 */
export const UNKNOWN_RATE_MS_PER_TOKEN = 0.1
/** A CPU computes 100 tokens a second of a small model. */
const MAX_RATE_MS_PER_TOKEN = 10
/** Below, a millisecond of noise is a large part of the slope. */
const LEAST_PAIR_TOKENS = 256
/** By how much each disjoint pair may move s away from what was believed before, until there are enough. */
const MOVE_PER_PAIR = 2
const ENOUGH_PAIRS = 3
/** 100,000 tokens a second: so that a rate that once was fitted as nothing can grow again. */
const LEAST_MOVED_RATE = 0.01
/** A pool that was slow for so long may well stay so. */
const BEST_HOLDS_MS = 600_000
/** Weighs about the last ten predictions. */
const NOISE_ALPHA = 0.2
/** What a good prediction is off by; also where the noise of an unknown pool starts. */
const USUAL_NOISE_MS = 10
/** A prediction that was far off counts as no more than this multiple of the usual: noise spreads choices. */
const MAX_NOISE_RISE = 3

const UNMEASURED: PrefillFit = { samples: [], msPerToken: UNKNOWN_RATE_MS_PER_TOKEN }

/**
 * Folds in a first token, `uncachedTokens` as believed so far. `predictedMs` is the time to first token that was predicted,
 * queue included. A sample that cannot be, or is known already, changes nothing.
 */
export function observeFirstToken(
  fit: PrefillFit | undefined,
  sample: PrefillSample,
  predictedMs?: number,
): PrefillFit {
  const before = fit ?? UNMEASURED
  if (!isSound(sample) || before.samples.some((known) => isSameDispatch(known, sample))) return before
  const noiseMs = noiseAfter(before.noiseMs, sample.ttftMs, predictedMs)
  return refit({ ...before, ...(noiseMs === undefined ? {} : { noiseMs }) }, union(before.samples, [sample]))
}

/** The answer asked for at `askedAtMs` has ended, and its pool says how many prompt tokens it had to compute. */
export function countPrompt(fit: PrefillFit, askedAtMs: number, uncachedTokens: number): PrefillFit {
  if (!isTokenCount(uncachedTokens)) return fit
  const index = fit.samples.findIndex((sample) => sample.askedAtMs === askedAtMs && !sample.isCounted)
  const sample = fit.samples[index]
  if (sample === undefined) return fit
  return refit(fit, keep(fit.samples.with(index, { ...sample, uncachedTokens, isCounted: true })))
}

/** c, the time that a prompt takes that is all cached, without the queue, in milliseconds; undefined if unmeasured. */
export function levelMs(fit: PrefillFit | undefined): number | undefined {
  return fit?.levelMs
}

/** The level of the quickest quarter of what is remembered, at its best: proof of what the pool can do when it is well. */
export function bestLevelMs(fit: PrefillFit | undefined): number | undefined {
  return fit?.bestLevelMs
}

/** c + s·U in milliseconds, without the queue; without a measurement, c is the least there is. */
export function expectedMs(fit: PrefillFit, uncachedTokens: number): number {
  const tokens = uncachedTokens > 0 ? Math.min(MAX_TOKENS, uncachedTokens) : 0
  return (fit.levelMs ?? MIN_LATENCY_MS) + fit.msPerToken * tokens
}

/**
 * What to go by where both an observer and its region have measured: a fit to the samples of both, each counted once. It
 * estimates the same in either order, and the same when one is merged in again. As much work as an observation: for each
 * snapshot that comes in, not for each request.
 */
export function mergeFits(own: PrefillFit, regions: PrefillFit): PrefillFit {
  const newer = byRecency(own, regions) > 0 ? own : regions
  const settled = newerRate(own.settled, regions.settled)
  const best = betterLevel(own.best, regions.best)
  return refit(
    {
      ...newer,
      ...(settled === undefined ? {} : { settled }),
      ...(best === undefined ? {} : { best }),
    },
    union(own.samples, regions.samples),
  )
}

/** All estimates anew from the samples: nothing of them depends on the order in which samples came. */
function refit(before: PrefillFit, samples: readonly PrefillSample[]): PrefillFit {
  const trusted = isCounting(samples) ? samples.filter(({ isCounted }) => isCounted) : samples
  const rate = rateOf(trusted, before.settled)
  const level = levelOf(samples, rate.msPerToken)
  return {
    samples,
    ...rate,
    ...(level === undefined
      ? {}
      : { levelMs: level, ...bestOf(trusted, rate.msPerToken, level, before.best) }),
    ...(before.noiseMs === undefined ? {} : { noiseMs: before.noiseMs }),
  }
}

function rateOf(
  samples: readonly PrefillSample[],
  settled: SettledRate | undefined,
): Pick<PrefillFit, 'msPerToken' | 'settled'> {
  const points = samples.map(({ uncachedTokens, ttftMs, queueMs }) => ({
    x: uncachedTokens,
    y: ttftMs - queueMs,
  }))
  const { slope, disjointPairs } = theilSen(points, LEAST_PAIR_TOKENS) ?? { slope: 0, disjointPairs: 0 }
  if (disjointPairs >= ENOUGH_PAIRS) {
    const msPerToken = between(0, slope, MAX_RATE_MS_PER_TOKEN)
    return { msPerToken, settled: { msPerToken, atMs: samples.at(-1)?.atMs ?? 0 } }
  }
  const believed = settled?.msPerToken ?? UNKNOWN_RATE_MS_PER_TOKEN
  const move = MOVE_PER_PAIR ** disjointPairs
  const most = Math.min(MAX_RATE_MS_PER_TOKEN, Math.max(believed, LEAST_MOVED_RATE) * move)
  const msPerToken =
    disjointPairs === 0 ? Math.min(believed, highestRate(points)) : between(believed / move, slope, most)
  return { msPerToken, ...(settled === undefined ? {} : { settled }) }
}

/** No pool computes nothing in less than no time: where all prompts are alike, only that speaks against a rate. */
function highestRate(points: readonly Point[]): number {
  const rates = points.filter(({ x }) => x >= LEAST_PAIR_TOKENS).map(({ x, y }) => Math.max(0, y) / x)
  return rates.toSorted((a, b) => a - b)[(rates.length - 1) >> 1] ?? Infinity
}

function levelOf(samples: readonly PrefillSample[], msPerToken: number): number | undefined {
  const newest = samples.slice(-NEWEST_KEPT)
  const level = levelOfNewest(newest, msPerToken)
  const lastMs = newest.at(-1)?.atMs ?? 0
  const fresh = newest.filter(({ atMs }) => lastMs - atMs <= IDLE_GRACE_MS)
  // What is older than that is no longer believed in full anyway; but only a second sample proves a rise.
  if (level === undefined || fresh.length === newest.length) return level
  return Math.min(level, levelOfNewest(fresh, msPerToken) ?? level)
}

/** The median, or the lower of the two newest if that is more; of two, the lower: a first request pays for set-up. */
function levelOfNewest(newest: readonly PrefillSample[], msPerToken: number): number | undefined {
  const levels = newest.map((sample) => levelFrom(sample, msPerToken))
  const lastTwo = Math.min(...levels.slice(-2))
  const median = levels.toSorted((a, b) => a - b)[(levels.length - 1) >> 1]
  return median === undefined ? undefined : Math.max(median, lastTwo)
}

function bestOf(
  samples: readonly PrefillSample[],
  msPerToken: number,
  level: number,
  before: BestLevel | undefined,
): Pick<PrefillFit, 'bestLevelMs' | 'best'> {
  const atMs = samples.at(-1)?.atMs ?? 0
  const now = { levelMs: Math.min(level, lowerQuartile(samples, msPerToken)), atMs }
  const young = before !== undefined && atMs - before.atMs <= BEST_HOLDS_MS ? before : undefined
  // Of fewer, one alone may be the quickest quarter.
  const best = samples.length < NEWEST_KEPT ? young : betterLevel(young, now)
  return {
    bestLevelMs: Math.min(now.levelMs, best?.levelMs ?? Infinity),
    ...(best === undefined ? {} : { best }),
  }
}

function lowerQuartile(samples: readonly PrefillSample[], msPerToken: number): number {
  const levels = samples.map((sample) => levelFrom(sample, msPerToken)).toSorted((a, b) => a - b)
  return levels[(levels.length - 1) >> 2] ?? Infinity
}

function levelFrom({ ttftMs, queueMs, uncachedTokens }: PrefillSample, msPerToken: number): number {
  return Math.max(MIN_LATENCY_MS, ttftMs - queueMs - msPerToken * uncachedTokens)
}

function noiseAfter(
  noiseMs: number | undefined,
  ttftMs: number,
  predictedMs: number | undefined,
): number | undefined {
  if (predictedMs === undefined || !Number.isFinite(predictedMs) || predictedMs < 0) return noiseMs
  const before = noiseMs ?? USUAL_NOISE_MS
  const offMs = Math.min(Math.abs(ttftMs - predictedMs), Math.max(before, USUAL_NOISE_MS) * MAX_NOISE_RISE)
  return before + NOISE_ALPHA * (offMs - before)
}

function betterLevel(one: BestLevel | undefined, other: BestLevel): BestLevel
function betterLevel(one: BestLevel | undefined, other: BestLevel | undefined): BestLevel | undefined
function betterLevel(one: BestLevel | undefined, other: BestLevel | undefined): BestLevel | undefined {
  if (one === undefined || other === undefined) return one ?? other
  if (one.levelMs !== other.levelMs) return one.levelMs < other.levelMs ? one : other
  return one.atMs >= other.atMs ? one : other
}

function newerRate(one: SettledRate | undefined, other: SettledRate | undefined): SettledRate | undefined {
  if (one === undefined || other === undefined) return one ?? other
  if (one.atMs !== other.atMs) return one.atMs > other.atMs ? one : other
  return one.msPerToken <= other.msPerToken ? one : other
}

/** Of two that are equally new, the noisier counts as newer. */
function byRecency(a: PrefillFit, b: PrefillFit): number {
  const newestMs = (fit: PrefillFit): number => fit.samples.at(-1)?.atMs ?? -Infinity
  return newestMs(a) === newestMs(b) ? (a.noiseMs ?? 0) - (b.noiseMs ?? 0) : newestMs(a) - newestMs(b)
}

function between(min: number, value: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
