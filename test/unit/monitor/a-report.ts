/** What observers report in the tests of monitors. */
import type { FirstToken, Served } from '../../../shared/pool/observation.ts'
import type { ObserverReport } from '../../../shared/pool/region-snapshot.ts'

export function aReport(changes: Partial<ObserverReport> = {}): ObserverReport {
  return { observer: 'isolate-1', observations: [], inFlight: {}, sentTokens: {}, ...changes }
}

export function aFirstToken(changes: Partial<FirstToken> = {}): FirstToken {
  return {
    kind: 'first_token',
    pool: 'near',
    key: 'demo/k1',
    askedAtMs: 900,
    atMs: 1_000,
    ttftMs: 100,
    queueMs: 0,
    uncachedTokens: 100,
    predictedMs: 100,
    ...changes,
  }
}

export function aServed(changes: Partial<Served> = {}): Served {
  return {
    kind: 'served',
    pool: 'near',
    askedAtMs: 900,
    atMs: 2_000,
    model: 'story',
    promptBytes: 4_000,
    promptTokens: 1_000,
    completionTokens: 10,
    ttftMs: 100,
    decodeMs: 1_000,
    ...changes,
  }
}
