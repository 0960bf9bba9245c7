/** The narrowing headers are understood or refused, never ignored. */
import { describe, expect, test } from 'vitest'
import type { Incoming } from '../../../../workers/contexts.ts'
import type { Edge } from '../../../../workers/edge.ts'
import { receive } from '../../../../workers/stages/receive.ts'

const LIMITS = { total_ms: 600_000 }

function received(headers: [string, string][], rules: readonly object[] = []) {
  const request = new Request('http://edge.test/v1/chat/completions', { method: 'POST', headers })
  return receive({ request } as Incoming, { mesh: { config: { limits: LIMITS, rules } } } as unknown as Edge)
}

test.each<[string, string, object]>([
  ['x-mesh-residency', 'eu', { residency: ['eu'] }],
  ['x-mesh-residency', 'eu, us-east ,eu-1', { residency: ['eu', 'us-east', 'eu-1'] }],
  ['x-mesh-data-class', 'health', { dataClass: 'health' }],
  ['x-mesh-timeout-ms', '1', { timeoutMs: 1 }],
  ['x-mesh-timeout-ms', '9999999', { timeoutMs: 600_000 }],
  ['x-mesh-resumable', 'true', { isResumable: true }],
  ['x-mesh-resumable', 'false', { isResumable: false }],
  ['idempotency-key', 'order-1/2024:{"a"}', { idempotencyKey: 'order-1/2024:{"a"}' }],
  ['idempotency-key', 'x'.repeat(256), { idempotencyKey: 'x'.repeat(256) }],
  ['x-mesh-affinity', 'chat:17/a~!', { affinity: 'chat:17/a~!' }],
  ['x-mesh-affinity', 'x'.repeat(256), { affinity: 'x'.repeat(256) }],
])('%s: %s is understood', (name, value, narrowing) => {
  const result = received([[name, value]])
  expect(result.ok && result.value.narrowing).toMatchObject(narrowing)
})

test('without headers nothing is narrowed', () => {
  const result = received([])
  expect(result.ok && result.value.narrowing).toEqual({
    isResumable: false,
    wantsReceipt: false,
    cache: { read: true, onlyIfCached: false },
  })
})

test('of other headers what rules ask about is kept, and nothing else', () => {
  const rules = [{ match: { headers: [{ name: 'x-department' }, { name: 'x-case' }] } }, { match: {} }]
  const sent: [string, string][] = [
    ['X-Department', 'radiology'],
    ['x-department', 'surgery'],
    ['x-other', 'value'],
  ]
  const result = received(sent, rules)
  expect(result.ok && result.value.narrowing).toEqual({
    isResumable: false,
    wantsReceipt: false,
    cache: { read: true, onlyIfCached: false },
    headers: { 'x-department': 'radiology, surgery', 'x-case': null },
  })
})

describe('is refused, by the name of the header and without its value', () => {
  const LONG = `${'a'.repeat(256)}x`
  test.each([
    ['x-mesh-residency', ''],
    ['x-mesh-residency', 'eu,,us'],
    ['x-mesh-residency', ',eu'],
    ['x-mesh-residency', 'eu us'],
    ['x-mesh-residency', 'eu;us'],
    ['x-mesh-residency', '*'],
    ['x-mesh-residency', LONG],
    ['x-mesh-data-class', 'health, money'],
    ['x-mesh-data-class', '-'],
    ['x-mesh-data-class', LONG],
    ['x-mesh-timeout-ms', ''],
    ['x-mesh-timeout-ms', '0'],
    ['x-mesh-timeout-ms', '-1'],
    ['x-mesh-timeout-ms', '1e3'],
    ['x-mesh-timeout-ms', '1.5'],
    ['x-mesh-timeout-ms', '12345678'],
    ['x-mesh-resumable', ''],
    ['x-mesh-resumable', 'TRUE'],
    ['x-mesh-resumable', '1'],
    ['idempotency-key', ''],
    ['idempotency-key', 'two words'],
    ['idempotency-key', 'h\u00e9'],
    ['idempotency-key', LONG],
    ['x-mesh-affinity', ''],
    ['x-mesh-affinity', 'two words'],
    ['x-mesh-affinity', 'one\ttab'],
    ['x-mesh-affinity', 'control\u0001'],
    ['x-mesh-affinity', 'delete\u007f'],
    ['x-mesh-affinity', 'h\u00e9'],
    ['x-mesh-affinity', LONG],
  ])('%s: %s', (name, value) => {
    const refused = received([[name, value]])
    expect(refused).toMatchObject({ ok: false, error: { reason: 'invalid_header', header: name } })
    if (value.length > 3) expect(JSON.stringify(refused)).not.toContain(value)
  })

  test.each([
    ['x-mesh-data-class', 'health', 'money'],
    ['x-mesh-timeout-ms', '5', '6'],
    ['x-mesh-resumable', 'true', 'true'],
    ['idempotency-key', 'one', 'two'],
    ['x-mesh-affinity', 'one', 'two'],
  ])('%s, sent twice', (name, first, second) => {
    const refused = received([
      [name, first],
      [name, second],
    ])
    expect(refused).toMatchObject({ ok: false, error: { reason: 'invalid_header', header: name } })
  })
})

test('a residency sent twice is one list, as HTTP says of such headers', () => {
  const result = received([
    ['x-mesh-residency', 'eu'],
    ['x-mesh-residency', 'eu-1'],
  ])
  expect(result.ok && result.value.narrowing.residency).toEqual(['eu', 'eu-1'])
})
