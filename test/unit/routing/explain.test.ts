import { expect, test } from 'vitest'
import { explainRoute } from '../../../shared/routing/explain.ts'
import type { RankInput } from '../../../shared/routing/rank.ts'
import { rankPools } from '../../../shared/routing/rank.ts'
import { POOLS, aMesh } from '../residency/a-mesh.ts'
import { OPEN, anInput, measured, placementOf, saturatedUntil } from './routing-fixtures.ts'

const closed = measured(31)
const open = measured(1, { measures: { breaker: OPEN } })
const saturated = measured(1, { measures: { saturation: saturatedUntil(99) } })
const all = { 'eu-1': measured(31.4), 'us-1': measured(104), 'ap-1': measured(171) }

function explain(states: RankInput['states'] | Record<string, typeof closed>, chosen: string): string {
  return explainRoute(rankPools(anInput({ states: new Map(Object.entries(states)) })), chosen)
}

test.each<[string, Record<string, typeof closed>, string, string]>([
  ['the best', all, 'eu-1', 'measured 31ms; us-1 104ms, ap-1 171ms'],
  ['one nobody measured', {}, 'eu-1', 'expected 1ms; us-1 66ms, ap-1 104ms'],
  ['the next, after the best failed', all, 'us-1', 'fallback, measured 104ms; eu-1 31ms, ap-1 171ms'],
  [
    'the only one',
    { ...all, 'us-1': open, 'ap-1': saturated },
    'eu-1',
    'only eligible; us-1=breaker_open, ap-1=saturated',
  ],
  ['the best of two', { ...all, 'us-1': open }, 'eu-1', 'measured 31ms; ap-1 171ms, us-1=breaker_open'],
  [
    'none',
    { 'eu-1': open, 'us-1': open, 'ap-1': saturated },
    '',
    'none eligible; eu-1=breaker_open, us-1=breaker_open, ap-1=saturated',
  ],
  [
    'a last resort',
    {
      'eu-1': measured(9, { measures: { breaker: { ...OPEN, answers: true } } }),
      'us-1': open,
      'ap-1': open,
    },
    'eu-1',
    'last resort; us-1=breaker_open, ap-1=breaker_open',
  ],
])('explains the choice of %s', (_name, states, chosen, expected) => {
  expect(explain(states, chosen)).toBe(expected)
})

test('stays within 200 printable ASCII characters, whole items only', () => {
  const pools = Array.from({ length: 40 }, (_, n) => ({ ...POOLS[0], id: `a-pool-with-a-long-name-${n}` }))
  const line = explainRoute(
    rankPools(anInput({ placement: placementOf(aMesh({ pools })), draw: 0 })),
    'a-pool-with-a-long-name-0',
  )
  expect(line.length).toBeLessThanOrEqual(200)
  expect(line).toMatch(/^expected 1ms; (a-pool-with-a-long-name-\d+ 1ms(, |$))+$/)
})

test('never names a pool that is not in the ranking', () => {
  expect(explain(all, 'elsewhere-1')).not.toContain('elsewhere')
})

test('says that a pool is only looked at', () => {
  const known = new Map(Object.entries({ 'eu-1': measured(31), 'us-1': measured(104) }))
  const ranking = rankPools(anInput({ states: known, looks: { looks: 0, blindLooks: 1 } }))
  expect(explainRoute(ranking, 'ap-1')).toBe('look, expected 104ms; eu-1 31ms, us-1 104ms')
})

test('says how much of the prompt is cached where that is what keeps it there', () => {
  const input = anInput({
    states: new Map(Object.entries(all)),
    size: { promptTokens: 1000, outputTokens: 10 },
    warmTokens: (pool) => (pool === 'us-1' ? 600 : 0),
  })
  expect(explainRoute(rankPools(input), 'us-1')).toBe(
    'measured 144ms, 600 tokens warm; eu-1 131ms, ap-1 271ms',
  )
})
