/** An answer's headers say what served it, how old it is, and why it was not cached. */
import { describe, expect, test } from 'vitest'
import type { AnswerFacts } from '../../../shared/log/answer-facts.ts'
import type { Answered, Sharing } from '../../../workers/contexts.ts'
import { answerHeaders } from '../../../workers/response-headers.ts'

const CREATED_AT_MS = 1_000_000
const FACTS: AnswerFacts = {
  outcome: 'miss',
  pool: 'eu-1',
  region: 'eu-central',
  jurisdiction: 'eu',
  attempts: 2,
  route: 'measured 5ms',
  modelVersion: '1',
  createdAtMs: CREATED_AT_MS,
  firstTokenMs: 42,
}
const SHARED = { kind: 'shared' } as Sharing

function headersOf(facts: Partial<AnswerFacts>, sharing: Sharing = SHARED, restricted = false, afterMs = 0) {
  const nowMs = CREATED_AT_MS + afterMs
  // Of the context, headers need what is here.
  const context = {
    answer: { facts: { ...FACTS, ...facts } },
    sharing,
    placement: { restricted },
    receivedAtMs: nowMs - 7,
  } as unknown as Answered
  return answerHeaders(context, nowMs)
}

describe('the cache', () => {
  test.each<[string, Partial<AnswerFacts>, Sharing, string]>([
    ['hit', { outcome: 'hit', ttlSeconds: 30 }, SHARED, 'warmpath; hit; ttl=30'],
    ['coalesced', { outcome: 'coalesced' }, SHARED, 'warmpath; fwd=miss; collapsed'],
    ['miss', { outcome: 'miss' }, SHARED, 'warmpath; fwd=miss; stored'],
    ['refresh', { outcome: 'refresh' }, SHARED, 'warmpath; fwd=request; stored'],
    [
      'bypass',
      { outcome: 'bypass' },
      { kind: 'private', detail: 'sampled' },
      'warmpath; fwd=bypass; detail=sampled',
    ],
    [
      'bypass',
      { outcome: 'bypass' },
      { kind: 'private', detail: 'no_lease' },
      'warmpath; fwd=bypass; detail=no_lease',
    ],
  ])('%s', (word, facts, sharing, status) => {
    expect(headersOf(facts, sharing)).toMatchObject({ 'x-mesh-cache': word, 'cache-status': status })
  })
})

test('only what was made before has an age, in whole seconds, never less than none', () => {
  expect(headersOf({ outcome: 'hit' }, SHARED, false, 61_999).age).toBe('61')
  expect(headersOf({ outcome: 'coalesced' }, SHARED, false, 500).age).toBe('0')
  // Another machine's clock may be ahead.
  expect(headersOf({ outcome: 'hit' }, SHARED, false, -5000).age).toBe('0')
  expect(headersOf({ outcome: 'miss' }, SHARED, false, 61_999)).not.toHaveProperty('age')
})

test('a replay does not claim the time that its pool once took', () => {
  expect(headersOf({ outcome: 'miss' })['server-timing']).toBe('pool;dur=42, total;dur=7')
  expect(headersOf({ outcome: 'hit' })['server-timing']).toBe('total;dur=7')
})

test('where it was processed is said, and whether rules had a say', () => {
  expect(headersOf({})['x-mesh-residency']).toBe('eu')
  expect(headersOf({}, SHARED, true)).toMatchObject({
    'x-mesh-residency': 'eu; restricted',
    'x-mesh-pool': 'eu-1',
    'x-mesh-region': 'eu-central',
    'x-mesh-attempts': '2',
  })
})
