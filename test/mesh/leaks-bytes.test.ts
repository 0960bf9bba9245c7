/**
 * Tenants of the EU walk every path with marked prompts to pools whose every word is a mark. Afterwards no mark, in no form that
 * could be told without a key, is in anything that is stored, logged, told beside an answer, or sent to a pool elsewhere.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  EU_POOLS,
  OPEN_KEY,
  OUTSIDE,
  PROMPT_MARK,
  startByteWatch,
  type ByteWatch,
} from '../support/byte-watch.ts'
import { foundIn, encodedForms, haystack } from '../support/leak-forms.ts'
import {
  BANK,
  isMarked,
  markedAsking,
  outcome,
  STREAM,
  type Asking,
  type MarkedAsking,
} from '../support/marked-asking.ts'
import { KEYS } from '../support/mesh-config.ts'
import { inLogShards } from '../support/objects.ts'

const GREEDY = { temperature: 0 }
const LONG_MS = 120_000
const WAIT = { timeout: 40_000, interval: 200 }

let watch: ByteWatch
let marking: MarkedAsking
beforeAll(async () => {
  watch = await startByteWatch()
  marking = markedAsking(watch)
})
afterAll(() => watch.stop())

// Where requests of the one tenant may be decrypted at all, and of the one that may send them from anywhere.
const WHO = [
  ['eu-bank in the EU', BANK, 'FRA', 'AMS'],
  ['eu-open in the EU', OPEN_KEY, 'AMS', 'FRA'],
  ['eu-open outside', OPEN_KEY, 'SIN', 'IAD'],
] as const

describe.each(WHO)('%s', (_who, key, here, there) => {
  test('misses, joins and hits', async () => {
    for (const form of [GREEDY, STREAM]) {
      const prompt = marking.marked()
      const both = await Promise.all([
        marking.ask(here, prompt, form, { key }),
        marking.ask(here, prompt, form, { key }),
      ])
      expect(new Set(both.map(({ word }) => word))).toEqual(new Set(['coalesced', 'miss']))
      for (const colo of [here, there, here, there]) {
        const answer = await marking.ask(colo, prompt, form, { key })
        expect([answer.word, isMarked(answer)]).toEqual(['hit', true])
      }
    }
    for (const body of [{ temperature: 1 }, { temperature: 1, stream: true }]) {
      const answer = await marking.ask(here, marking.marked(), body, { key })
      expect([answer.word, isMarked(answer)]).toEqual(['bypass', true])
    }
    const completion = { model: 'story', prompt: marking.marked(), max_tokens: 3 }
    await watch.note(await marking.post(here, completion, { key, path: '/v1/completions' }))
  })

  test('has an answer extended', async () => {
    const prompt = marking.marked()
    expect((await marking.ask(here, prompt, { ...STREAM, max_tokens: 5 }, { key })).word).toBe('miss')
    const longer = await marking.ask(there, prompt, { ...STREAM, max_tokens: 12 }, { key })
    expect([longer.word, isMarked(longer)]).toEqual(['extended', true])
  })

  test('comes back to a run, lets go of one, and repeats a request', async () => {
    const run = await marking.dropped(here, key)
    expect(isMarked(await marking.noted(await marking.comeBack(there, run, { key })))).toBe(true)
    expect((await watch.note(await marking.comeBack(there, run, { key, method: 'DELETE' }))).status).toBe(204)

    const body = { model: 'story', messages: [{ role: 'user', content: marking.marked() }], max_tokens: 3 }
    const headers = { 'idempotency-key': `${PROMPT_MARK}-${here}` }
    for (const colo of [here, there]) {
      expect(isMarked(await marking.noted(await marking.post(colo, body, { key, headers })))).toBe(true)
    }
    const conflict = await marking.noted(
      await marking.post(here, { ...body, max_tokens: 4 }, { key, headers }),
    )
    expect(outcome(conflict)).toBe('409 idempotency_key_conflict')
  })

  test('has vectors made and kept', async () => {
    const input = [marking.marked(), marking.marked()]
    const path = '/v1/embeddings'
    const words: unknown[] = []
    const embed = async (colo: string) => {
      const response = await marking.post(colo, { model: 'story', input }, { key, path })
      words.push((await watch.note(response)).status)
      return response.headers.get('x-mesh-cache')
    }
    expect(await embed(here)).toBe('miss')
    await expect.poll(() => embed(there), WAIT).toBe('hit')
    for (let time = 0; time < 3; time += 1) await embed(here)
    expect(new Set(words)).toEqual(new Set([200]))
  })

  test('says it wherever a client can', async () => {
    const messages = [
      { role: 'system', content: PROMPT_MARK },
      { role: 'user', name: PROMPT_MARK, content: marking.marked() },
    ]
    const good = { model: 'story', messages, max_tokens: 2, ...GREEDY }
    const schema = { type: 'object', properties: { [PROMPT_MARK]: { const: PROMPT_MARK } } }
    const parameters = { ...schema, description: PROMPT_MARK }
    const bodies = [
      { ...good, user: PROMPT_MARK },
      { ...good, metadata: { [PROMPT_MARK]: PROMPT_MARK } },
      { ...good, prompt_cache_key: PROMPT_MARK, safety_identifier: PROMPT_MARK },
      { ...good, stop: [PROMPT_MARK] },
      { ...good, tools: [{ type: 'function', function: { name: PROMPT_MARK, parameters } }] },
      { ...good, response_format: { type: 'json_schema', json_schema: { name: PROMPT_MARK, schema } } },
    ]
    for (const body of bodies) {
      for (const form of [{}, { stream: true }]) {
        expect((await watch.note(await marking.post(here, { ...body, ...form }, { key }))).status).toBe(200)
      }
    }
    const headers = {
      'x-mesh-affinity': PROMPT_MARK,
      'user-agent': PROMPT_MARK,
      referer: `https://${PROMPT_MARK}.example/`,
      cookie: `a=${PROMPT_MARK}`,
      traceparent: PROMPT_MARK,
      'x-request-id': PROMPT_MARK,
    }
    expect((await watch.note(await marking.post(here, good, { key, headers }))).status).toBe(200)
  })

  test('is refused', async () => {
    const messages = [{ role: 'user', content: marking.marked() }]
    const good = { model: 'story', messages }
    const large = JSON.stringify({ ...good, user: PROMPT_MARK.repeat(10_000) })
    const cases: readonly (readonly [string, unknown, Asking?])[] = [
      ['404 model_not_found', { ...good, model: PROMPT_MARK }],
      ['413 body_too_large', large],
      ['400 invalid_json', `{"model":"story","user":"${PROMPT_MARK}`],
      ['400 duplicate_key', `{"${PROMPT_MARK}":1,"${PROMPT_MARK}":2}`],
      ['400 unsupported_parameter', { ...good, [PROMPT_MARK]: 1 }],
      ['403 residency_violation', good, { headers: { 'x-mesh-residency': 'us' } }],
      ['403 residency_violation', good, { headers: { 'x-mesh-residency': PROMPT_MARK } }],
      ['504 not_cached', good, { headers: { 'x-mesh-cache': 'only' } }],
      ['400 invalid_header', good, { headers: { 'x-mesh-timeout-ms': PROMPT_MARK } }],
      ['404 run_not_found', undefined],
    ]
    for (const [expected, body, asking] of cases) {
      const response =
        body === undefined
          ? marking.comeBack(here, PROMPT_MARK, { key })
          : marking.post(here, body, { key, ...asking })
      expect(outcome(await marking.noted(await response))).toBe(expected)
    }
    const wrongKey = await marking.post(here, good, {
      key: `sk-mesh-eu-bank-${PROMPT_MARK}0123456789abcdefghij`,
    })
    expect(outcome(await marking.noted(wrongKey))).toBe('401 invalid_api_key')
  })
})

test('the bank is refused outside the EU, also what it has begun inside', async () => {
  const run = await marking.dropped('FRA', BANK)
  for (const colo of ['IAD', 'SIN']) {
    expect(outcome(await marking.ask(colo, marking.marked()))).toBe('403 termination_not_allowed')
    expect(outcome(await marking.noted(await marking.comeBack(colo, run)))).toBe(
      '403 termination_not_allowed',
    )
  }
})

describe('afterwards', () => {
  test('an answer of a tenant that may be anywhere is in KV, and nothing of the others', async () => {
    // Each isolate has its own copy from its first hit on: two of them ask the shard twice.
    for (const colo of ['FRA', 'AMS', 'FRA', 'AMS']) {
      expect(
        (await marking.ask(colo, 'Something that anybody may know', GREEDY, { key: KEYS.demo })).status,
      ).toBe(200)
    }
    await expect.poll(async () => (await watch.kvKeys()).length, WAIT).toBe(1)
  })

  test('all that was made has been stored, in objects of the EU', { timeout: LONG_MS }, async () => {
    const rows = (table: string) => inLogShards(watch.mesh, `SELECT * FROM ${table}`)
    await expect.poll(async () => (await rows('take')).length, WAIT).toBeGreaterThan(20)
    expect((await rows('embedding')).length).toBeGreaterThanOrEqual(4)
    expect((await rows('claim')).length).toBeGreaterThanOrEqual(2)
    const names = await watch.objectNames()
    const ofTenants = names.filter((name) => /log\/|ledger\//.test(name))
    // Those of the tenant that may be anywhere: one answer, near where it was asked for, and its ledger.
    const elsewhere = ofTenants.filter((name) => !name.startsWith('eu:'))
    expect(elsewhere).toEqual([
      expect.stringMatching(/^ledger\/[0-9a-f]{32}$/),
      expect.stringMatching(/^log\/eu-central\/\d+$/),
    ])
    expect(ofTenants.length).toBeGreaterThan(10)
    expect(names.filter((name) => !/^(eu:)?(log|ledger)\/|^region\/|^pool\//.test(name))).toEqual([])
  })

  test('the pools in the EU have been sent the marks, the others nothing of any request', () => {
    const plain = encodedForms(PROMPT_MARK)
    for (const pool of EU_POOLS) {
      const text = watch.pools[pool].received.map((each) => each.text).join('\n')
      expect(foundIn(haystack(text), plain)).toContain(`${PROMPT_MARK}, plain`)
    }
    for (const pool of OUTSIDE) {
      const posted = watch.pools[pool].received.filter(({ method }) => method === 'POST')
      expect(posted.filter(({ text }) => !text.includes('Something that anybody may know'))).toEqual([])
    }
  })

  test(
    'no byte of them is found anywhere',
    async () => {
      const { found, bytes } = await watch.search()
      expect(found).toEqual([])
      // Guards the test itself.
      expect(bytes).toBeGreaterThan(1_000_000)
      expect(watch.mesh.logs.length).toBeGreaterThan(80)
    },
    LONG_MS,
  )
})
