import { describe, expect, test } from 'vitest'
import type { PoolState } from '../../../shared/pool/snapshot.ts'
import type { RankInput } from '../../../shared/routing/rank.ts'
import { rankPools } from '../../../shared/routing/rank.ts'
import { POOLS, aMesh } from '../residency/a-mesh.ts'
import { OPEN, aShared, anInput, measured, placementOf, saturatedUntil } from './routing-fixtures.ts'

const states = (entries: Record<string, PoolState>): ReadonlyMap<string, PoolState> =>
  new Map(Object.entries(entries))

function rejections(changes: Partial<RankInput>): string {
  return rankPools(anInput(changes))
    .rejected.map(({ pool, reason }) => `${pool}=${reason}`)
    .join(' ')
}

describe('what is rejected', () => {
  const capped = placementOf(aMesh({ pools: [{ ...POOLS[0], max_running_tokens: 1000 }, POOLS[1]] }))

  test.each<[string, Partial<RankInput>, string]>([
    ['nothing without cause', {}, ''],
    [
      'a pool without the version',
      {
        placement: placementOf(
          aMesh({ pools: [POOLS[0], { ...POOLS[1], models: [{ model: 'm', version: '1' }] }] }),
        ),
        version: '2',
      },
      'us-1=version_not_served',
    ],
    [
      'a pool whose dialect lacks a field',
      { acceptsFields: ({ id }) => id !== 'us-1' },
      'us-1=fields_not_supported',
    ],
    [
      'an open breaker',
      { states: states({ 'ap-1': measured(1, { measures: { breaker: OPEN } }) }) },
      'ap-1=breaker_open',
    ],
    [
      'a saturated pool',
      { states: states({ 'ap-1': measured(1, { measures: { saturation: saturatedUntil(9) } }) }) },
      'ap-1=saturated',
    ],
    [
      'not what is saturated for another key',
      { states: states({ 'ap-1': measured(1, { measures: { saturation: saturatedUntil(9, 'b') } }) }) },
      '',
    ],
    [
      'a pool that an operator has taken out',
      { states: states({ 'eu-1': measured(1, { shared: aShared({ isDrained: true }) }) }) },
      'eu-1=drained',
    ],
    [
      'not a capped pool that has room',
      { placement: capped, size: { promptTokens: 800, outputTokens: 200 } },
      '',
    ],
    [
      'a capped pool for what alone is too much',
      { placement: capped, size: { promptTokens: 801, outputTokens: 200 } },
      'eu-1=power_capped',
    ],
    [
      'a capped pool that runs so much already, by its own account',
      {
        placement: capped,
        size: { promptTokens: 100, outputTokens: 100 },
        states: states({
          'eu-1': measured(1, { shared: aShared({ load: { atMs: 0, runningTokens: 801 } }) }),
        }),
      },
      'eu-1=power_capped',
    ],
    [
      'a capped pool that runs so many requests, where it does not say',
      {
        placement: capped,
        size: { promptTokens: 100, outputTokens: 100 },
        states: states({ 'eu-1': measured(1, { pending: 5 }) }),
      },
      'eu-1=power_capped',
    ],
    ['not when the length is unknown', { limitTokens: 1e9 }, ''],
    [
      'everywhere, what is longer than the context',
      { contextLength: 8192, limitTokens: 8193 },
      'eu-1=context_too_long us-1=context_too_long ap-1=context_too_long',
    ],
  ])('%s', (_name, changes, expected) => {
    expect(rejections(changes)).toBe(expected)
  })
})
