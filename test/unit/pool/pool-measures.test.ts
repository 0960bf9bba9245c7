import { describe, expect, test } from 'vitest'
import type { Observation } from '../../../shared/pool/observation.ts'
import {
  UNMEASURED,
  applyObservation,
  mergeMeasures,
  type PoolMeasures,
} from '../../../shared/pool/pool-measures.ts'
import { saturatedUntilMs } from '../../../shared/pool/saturation.ts'

const seen = (askedAtMs: number, atMs: number) => ({ pool: 'p', askedAtMs, atMs })

function firstToken(askedAtMs: number, ttftMs: number, changes: object = {}): Observation {
  return {
    ...seen(askedAtMs, askedAtMs + ttftMs),
    kind: 'first_token',
    key: 'a',
    ttftMs,
    queueMs: 0,
    uncachedTokens: 0,
    predictedMs: ttftMs,
    ...changes,
  }
}

function served(askedAtMs: number, changes: object = {}): Observation {
  return {
    ...seen(askedAtMs, askedAtMs + 1000),
    kind: 'served',
    model: 'm',
    promptBytes: 4000,
    ttftMs: 100,
    decodeMs: 900,
    ...changes,
  }
}

function failed(askedAtMs: number, changes: object = {}): Observation {
  return {
    ...seen(askedAtMs, askedAtMs + 30_000),
    kind: 'failed',
    failure: 'timeout',
    key: 'a',
    sawFirstToken: false,
    ...changes,
  }
}

function after(...observations: readonly Observation[]): PoolMeasures {
  return observations.reduce(applyObservation, UNMEASURED)
}

describe('a first token', () => {
  test('is measured, less what it had to wait', () => {
    expect(after(firstToken(0, 100, { queueMs: 60 })).prefill).toMatchObject({ levelMs: 40 })
  })

  test('shows the way there only where the headers do', () => {
    expect(after(firstToken(0, 100))).not.toHaveProperty('roundTrip')
    expect(after(firstToken(0, 100, { roundTripMs: 12 })).roundTrip).toMatchObject({ costMs: 12 })
  })

  test('clears a saturation that had run out', () => {
    const notNow: Observation = {
      ...seen(0, 10),
      kind: 'saturated',
      status: 503,
      key: 'a',
      retryAfterMs: 500,
    }
    expect(after(notNow).saturation).toHaveLength(1)
    expect(after(notNow, firstToken(100, 10)).saturation).toHaveLength(1)
    expect(after(notNow, firstToken(600, 10)).saturation).toEqual([])
  })
})

describe('an answer that came to its end', () => {
  const begun = firstToken(0, 100, { uncachedTokens: 1000 })
  const uncached = (measures: PoolMeasures) => measures.prefill?.samples.map((one) => one.uncachedTokens)

  test('corrects what was believed to be cached by what the pool counted', () => {
    expect(uncached(after(begun, served(0, { promptTokens: 1000, cachedTokens: 800 })))).toEqual([200])
    expect(uncached(after(begun, served(0, { promptTokens: 1000, cachedTokens: 0 })))).toEqual([1000])
  })

  test('corrects nothing where the pool does not say, which is not 0', () => {
    const measures = after(begun, served(0, { promptTokens: 4000 }))
    expect(measures.prefill?.samples).toMatchObject([{ uncachedTokens: 1000, isCounted: false }])
  })

  test('shows the pace of decoding where its tokens are counted', () => {
    expect(after(begun, served(0, { completionTokens: 91 })).decode).toMatchObject({ msPerToken: 10 })
    expect(after(begun, served(0))).not.toHaveProperty('decode')
  })
})

describe('a failure', () => {
  test('by a wait in vain is a measurement: two, since one alone is taken for an outlier', () => {
    const well = [0, 1, 2, 3, 4].map((second) => firstToken(second * 1000, 50))
    expect(after(...well, failed(5000, { waitedMs: 30_000 })).prefill).toMatchObject({ levelMs: 30_000 })
  })

  test.each([
    ['in mid-stream', { waitedMs: 30_000, sawFirstToken: true }],
    ['without a wait', {}],
    ['of another kind', { failure: 'server_error', waitedMs: 5 }],
  ])('%s measures nothing', (_name, changes) => {
    expect(after(failed(0, changes))).not.toHaveProperty('prefill')
  })

  test('counts against the pool', () => {
    const refused = { failure: 'unreachable', atMs: 0 }
    expect(after(failed(0, refused), failed(1, refused), failed(2, refused)).breaker.kind).toBe('open')
  })
})

describe('of what was measured here and in the region', () => {
  const own = after(firstToken(0, 50), served(0, { completionTokens: 10 }))
  const regions = after(firstToken(500, 80), firstToken(900, 90), firstToken(1000, 100, { roundTripMs: 20 }))

  test('what only one has measured is taken from it', () => {
    expect(mergeMeasures(own, UNMEASURED, 2000)).toEqual(own)
    expect(mergeMeasures(UNMEASURED, regions, 2000)).toMatchObject({
      prefill: regions.prefill,
      roundTrip: regions.roundTrip,
    })
  })

  test('both count, each once, however often it is heard', () => {
    const merged = mergeMeasures(own, regions, 2000)
    expect(merged.prefill?.samples).toHaveLength(4)
    expect(merged).toMatchObject({ decode: own.decode, roundTrip: regions.roundTrip })
    expect(mergeMeasures(merged, regions, 3000)).toEqual(merged)
  })

  test('it survives JSON', () => {
    const merged = mergeMeasures(own, regions, 2000)
    expect(JSON.parse(JSON.stringify(merged))).toEqual(merged)
  })
})

describe('a pool that fails one key alone', () => {
  const fails = (askedAtMs: number, key = 'a') =>
    failed(askedAtMs, { atMs: askedAtMs + 10, failure: 'server_error', key })
  const three = [0, 100, 200].map((askedAtMs) => fails(askedAtMs))

  test('is left for a while for that key, and for no other', () => {
    const { breaker, saturation } = after(...three)
    expect(breaker.kind).toBe('closed')
    expect(saturatedUntilMs(saturation, 'a', 300)).toBe(2210)
    expect(saturatedUntilMs(saturation, 'b', 300)).toBe(0)
  })

  test('is not left after two failures, nor where a first token came between', () => {
    expect(after(...three.slice(1)).saturation).toEqual([])
    expect(after(...three.slice(0, 2), firstToken(150, 20), fails(200)).saturation).toEqual([])
  })

  test('is left for everyone by its breaker, where another key has it, too', () => {
    const { breaker, saturation } = after(...three.slice(0, 2), fails(200, 'b'))
    expect(breaker.kind).toBe('open')
    expect(saturation).toEqual([])
  })

  test('is used again once it gives the key a first token', () => {
    expect(after(...three, firstToken(2300, 50)).saturation).toEqual([])
  })
})
