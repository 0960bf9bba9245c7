/**
 * What has been measured of one pool from one region, and how each observation changes it. One isolate keeps it of what it
 * has seen itself, a region's monitor of what all of its region have seen. Plain data: it crosses RPC and the Cache API.
 */
import { CLOSED, mergeBreakers, record, release, type Breaker } from './circuit-breaker.ts'
import { mergePaces, observeAnswer, type DecodePace } from './decode-pace.ts'
import { failedAlone } from './failure-evidence.ts'
import type { Failed, FirstToken, Observation, Served } from './observation.ts'
import { countPrompt, mergeFits, observeFirstToken, type PrefillFit } from './prefill-fit.ts'
import { mergeRoundTrips, observeProbe, type RoundTrip } from './round-trip.ts'
import { clear, mark, mergeSaturation, releaseTrial, type SaturationMark } from './saturation.ts'

export interface PoolMeasures {
  /** Time to first token by prompt tokens to compute. */
  readonly prefill?: PrefillFit
  readonly roundTrip?: RoundTrip
  /** Time per token of answers, and their lengths. */
  readonly decode?: DecodePace
  readonly breaker: Breaker
  readonly saturation: readonly SaturationMark[]
}

/** As long as a breaker is open at first. */
const ALONE_WAIT_MS = 2_000

export const UNMEASURED: PoolMeasures = { breaker: CLOSED, saturation: [] }

/** Folds in what a dispatch has shown. */
export function applyObservation(measures: PoolMeasures, observation: Observation): PoolMeasures {
  switch (observation.kind) {
    case 'first_token':
      return afterFirstToken(measures, observation)
    case 'served':
      return afterAnswer(measures, observation)
    case 'failed':
      return afterFailure(measures, observation)
    case 'saturated':
      return {
        ...measures,
        // It is alive, but a probe has not shown that it serves.
        breaker: release(measures.breaker),
        saturation: mark(measures.saturation, observation, observation),
      }
  }
}

/** What to go by where both the observer itself and its region have measured. Merging the same again changes nothing. */
export function mergeMeasures(own: PoolMeasures, region: PoolMeasures, nowMs: number): PoolMeasures {
  return {
    ...present('prefill', merged(own.prefill, region.prefill, mergeFits)),
    ...present('roundTrip', merged(own.roundTrip, region.roundTrip, mergeRoundTrips)),
    ...present('decode', merged(own.decode, region.decode, mergePaces)),
    breaker: mergeBreakers(own.breaker, region.breaker, nowMs),
    saturation: mergeSaturation(own.saturation, region.saturation, nowMs),
  }
}

function merged<T>(
  own: T | undefined,
  region: T | undefined,
  merge: (own: T, region: T) => T,
): T | undefined {
  return own === undefined || region === undefined ? (own ?? region) : merge(own, region)
}

function present<Name extends string, T>(name: Name, value: T | undefined): { [key in Name]?: T } {
  // A computed name is any string to the compiler.
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: T })
}

function afterFirstToken(measures: PoolMeasures, seen: FirstToken): PoolMeasures {
  const { askedAtMs, atMs, ttftMs, queueMs, uncachedTokens, predictedMs } = seen
  const sample = { askedAtMs, atMs, ttftMs, queueMs, uncachedTokens, isCounted: false }
  const roundTrip =
    seen.roundTripMs === undefined
      ? measures.roundTrip
      : observeProbe(measures.roundTrip, seen.roundTripMs, atMs)
  return {
    ...measures,
    ...(roundTrip === undefined ? {} : { roundTrip }),
    prefill: observeFirstToken(measures.prefill, sample, predictedMs),
    breaker: record(measures.breaker, 'first_token', seen),
    saturation: clear(measures.saturation, seen.key, seen),
  }
}

function afterAnswer(measures: PoolMeasures, seen: Served): PoolMeasures {
  const { askedAtMs, promptTokens, cachedTokens, completionTokens, decodeMs, ttftMs } = seen
  const { prefill } = measures
  const isCounted = prefill !== undefined && promptTokens !== undefined && cachedTokens !== undefined
  const decode =
    completionTokens === undefined
      ? measures.decode
      : observeAnswer(measures.decode, { completionTokens, decodeMs, ttftMs })
  return {
    ...measures,
    ...(isCounted
      ? { prefill: countPrompt(prefill, askedAtMs, Math.max(0, promptTokens - cachedTokens)) }
      : {}),
    ...(decode === undefined ? {} : { decode }),
    breaker: record(measures.breaker, 'completed', seen),
  }
}

/**
 * A wait in vain is also a measurement: the time to first token was at least that long. Without it, a pool that hangs for
 * the only key in use would stay ranked first, since failures of one key do not open the breaker.
 */
function afterFailure(measures: PoolMeasures, seen: Failed): PoolMeasures {
  const { failure, key, sawFirstToken, askedAtMs, atMs, waitedMs } = seen
  const breaker = record(measures.breaker, { kind: failure, key, sawFirstToken }, seen)
  const released = sawFirstToken ? measures.saturation : releaseTrial(measures.saturation, key, seen)
  // The pool is left for nobody else; but where a mesh has one client, it must not be sent there for ever.
  const isAlone = !sawFirstToken && breaker.kind === 'closed' && failedAlone(breaker) === key
  const saturation = isAlone
    ? mark(released, { status: 429, key, retryAfterMs: ALONE_WAIT_MS }, seen)
    : released
  const rest = { ...measures, breaker, saturation }
  if (failure !== 'timeout' || sawFirstToken || waitedMs === undefined) return rest
  const sample = { askedAtMs, atMs, ttftMs: waitedMs, queueMs: 0, uncachedTokens: 0, isCounted: false }
  // Two, because one alone is taken for an outlier, and each costs somebody the whole patience of the mesh.
  const once = observeFirstToken(measures.prefill, sample)
  const prefill = observeFirstToken(once, { ...sample, askedAtMs: askedAtMs - 1 })
  return { ...rest, prefill }
}
