import { expect, test } from 'vitest'
import {
  predictionsIn,
  routeLines,
  shareAtBest,
  type RouteLine,
} from '../../../../tools/bench/route-lines.ts'

const candidate = (pool: string, ms: number): RouteLine['candidates'][number] => ({
  pool,
  region: 'eu',
  estimate_ms: ms,
  score_ms: ms,
  measured: true,
  parts: { rtt_ms: ms, intercept_ms: 0, queue_ms: 0, prefill_ms: 0, guard_ms: 0, price_ms: 0 },
  prompt_tokens: 10,
  warm_tokens: 0,
  ms_per_token: 0.1,
  load: 0,
  noise_ms: 5,
})
const line = (changes: Partial<RouteLine> = {}): RouteLine => ({
  event: 'route',
  at: '2026-01-01T00:00:00.000Z',
  request: 'r',
  origin: 'eu',
  reason: 'best',
  candidates: [candidate('a', 30), candidate('b', 90)],
  rejected: [],
  answered_by: 'a',
  first_token_ms: 40,
  attempts: 1,
  ...changes,
})

test('of all that is logged, decisions are read', () => {
  const logs = [{ event: 'request' }, line(), 'text', null].map((value) => JSON.stringify(value))
  expect(routeLines(logs)).toEqual([line()])
})

test('a prediction is of the first choice, where that has answered at once', () => {
  const others = [
    line({ attempts: 2 }),
    line({ answered_by: 'b' }),
    line({ candidates: [] }),
    line({ error: 'pool_timeout' }),
  ]
  const { answered_by: _none, first_token_ms: _neither, ...failed } = line({ error: 'pool_timeout' })
  expect(predictionsIn([line(), ...others.slice(0, 3), failed], 0)).toEqual([
    { expectedMs: 30, measuredMs: 40 },
  ])
})

test('the first ones of every origin are left out', () => {
  const lines = [line({ origin: 'us' }), line(), line({ first_token_ms: 41 }), line({ origin: 'us' })]
  expect(predictionsIn(lines, 1).map(({ measuredMs }) => measuredMs)).toEqual([40, 41])
  expect(predictionsIn(lines, 2)).toEqual([])
})

test('the best is the one with the least cost, wherever it stands', () => {
  const looked = line({ candidates: [candidate('b', 90), candidate('a', 30)], answered_by: 'b' })
  expect(shareAtBest([line(), line(), line(), looked])).toBe(0.75)
})
