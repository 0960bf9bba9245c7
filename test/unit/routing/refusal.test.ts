import { expect, test } from 'vitest'
import type { GatewayError } from '../../../shared/errors.ts'
import type { RejectReason } from '../../../shared/routing/filters.ts'
import { refusalOf } from '../../../shared/routing/refusal.ts'

test.each<[string, readonly RejectReason[], number | undefined, GatewayError]>([
  ['all down', ['breaker_open', 'breaker_open'], 1200, { reason: 'no_eligible_pool', retryAfterSeconds: 2 }],
  ['down for less than a second', ['saturated'], 1, { reason: 'no_eligible_pool', retryAfterSeconds: 1 }],
  [
    'one down, one unfit',
    ['fields_not_supported', 'breaker_open'],
    2000,
    { reason: 'no_eligible_pool', retryAfterSeconds: 2 },
  ],
  [
    'too long for all',
    ['context_too_long', 'context_too_long'],
    undefined,
    { reason: 'context_length_exceeded' },
  ],
  ['a field that none takes', ['fields_not_supported'], undefined, { reason: 'unsupported_parameter' }],
  [
    'a field that some take, without the version',
    ['version_not_served', 'fields_not_supported'],
    undefined,
    { reason: 'unsupported_parameter' },
  ],
  [
    'no pool with the version',
    ['version_not_served'],
    undefined,
    { reason: 'no_eligible_pool', retryAfterSeconds: 60 },
  ],
])('%s', (_name, reasons, retryAfterMs, expected) => {
  const rejected = reasons.map((reason, n) => ({ pool: `p${n}`, reason }))
  const looks = { looks: 0, blindLooks: 0 }
  const ranking = { ranked: [], rejected, looks, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  expect(refusalOf(ranking)).toEqual(expected)
})
