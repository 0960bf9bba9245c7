/** The table of a chargeback: money to the micro-dollar, and names that cannot break a line. */
import { expect, test } from 'vitest'
import { dollarsOf, usageCsv } from '../../../shared/ledger/usage-csv.ts'
import { NO_USAGE } from '../../../shared/ledger/usage.ts'

test('money has six decimals, whatever its size', () => {
  expect([0, 1, 1_000_000, 12_345_678].map(dollarsOf)).toEqual([
    '0.000000',
    '0.000001',
    '1.000000',
    '12.345678',
  ])
})

test('a line for each row, the groups first', () => {
  const row = {
    ...NO_USAGE,
    requests: 3,
    promptTokens: 10,
    completionTokens: 4,
    microdollars: 1_500_000,
    savedHit: 7,
  }
  expect(usageCsv(['day', 'model'], [{ ...row, day: '2026-11-24', model: 'a,"b"' }])).toBe(
    'day,model,requests,prompt_tokens,cached_tokens,completion_tokens,cost_usd,saved_by_hits_usd,saved_by_coalescing_usd,saved_by_prefix_usd\r\n' +
      '2026-11-24,"a,""b""",3,10,0,4,1.500000,0.000007,0.000000,0.000000\r\n',
  )
})
