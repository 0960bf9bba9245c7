import { expect, test } from 'vitest'
import { receiptClaims, receiptOf } from '../../../shared/receipt/receipt.ts'
import { aReceiptInput, FACTS } from './a-receipt.ts'

test('a receipt says who answered, where, under what, and nothing else', () => {
  expect(receiptOf(aReceiptInput({ colo: 'FRA' }))).toEqual({
    ver: 1,
    iss: 'https://mesh.example',
    aud: 'acme',
    jti: 'rcpt_1',
    iat: 1_795_532_400,
    request_id: 'req_1',
    tenant: 'acme',
    surface: 'chat',
    model: 'story',
    model_version: 'story-1',
    request_digest: 'A'.repeat(43),
    answer_digest: 'yTseR1-FBofwdXa9N7EnsozQ8M47bxYleCjnVGGt2ZM',
    outcome: 'completed',
    pools: [{ pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu' }],
    rules: ['eu-only'],
    restricted: true,
    config: 'cfg_0123456789ab',
    colo: 'FRA',
    cache: 'miss',
  })
})

test.each(['hit', 'coalesced', 'extended', 'resumed'] as const)(
  'of an answer that was %s it says where and when its beginning was made',
  (cache) => {
    const claims = receiptOf(aReceiptInput({ cache, pools: [{ pool: 'eu-1' }, { pool: 'eu-2' }] }))
    expect(claims).toMatchObject({
      cache,
      cached: { pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu', made_at: '2026-11-24T14:59:58.500Z' },
      pools: [{ pool: 'eu-1' }, { pool: 'eu-2' }],
    })
    expect(receiptClaims.parse(claims)).toEqual(claims)
  },
)

test.each(['miss', 'refresh', 'bypass'] as const)('of an answer that was a %s nothing is cached', (cache) => {
  const claims = receiptOf(aReceiptInput({ cache }))
  expect(claims.cached).toBeUndefined()
  expect(receiptClaims.parse(claims)).toEqual(claims)
})

test('names the pool that began the answer where its end was not heard of', () => {
  const { pool, region, jurisdiction } = FACTS
  expect(receiptOf(aReceiptInput({ pools: [] })).pools).toEqual([{ pool, region, jurisdiction }])
})

test('says from which event on it is of the answer, for who came back', () => {
  expect(receiptOf(aReceiptInput({ from: 12 })).answer_from).toBe(12)
  expect(receiptOf(aReceiptInput({ from: 0 }))).not.toHaveProperty('answer_from')
})
