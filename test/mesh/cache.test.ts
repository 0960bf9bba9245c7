/** What is known is said again, exactly; what is not wanted, whole or allowed any more is not. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { askFor, type Answer } from '../support/answer.ts'
import type { ChatOptions } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const SHARED = { temperature: 0, max_tokens: 6 }
const PRIME: ChatOptions = {}

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA', 'AMS'],
    distances: false,
    // What fails here is asked again.
    config: (urls) => aMeshConfig(urls, { limits: { quarantine_ms: 1 } }),
  })
})
afterAll(() => mesh.stop())
beforeEach(() => {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
})

/** A prompt that no other test has asked. */
function fresh(): string {
  unique += 1
  return `Fresh question ${unique}`
}

function generations(): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().generations, 0)
}

function ask(prompt: string, options: ChatOptions = {}, colo = 'FRA'): Promise<Answer> {
  return askFor(mesh, colo, prompt, { ...options, body: { ...SHARED, ...options.body } })
}

async function words(prompt: string, ...asking: readonly ChatOptions[]): Promise<(string | null)[]> {
  const all: (string | null)[] = []
  for (const options of asking) all.push((await ask(prompt, options)).word)
  return all
}

function header(name: string, value: string): ChatOptions {
  return { headers: { [name]: value } }
}

function body(fields: Readonly<Record<string, unknown>>): ChatOptions {
  return { body: fields }
}

describe('a header can only narrow', () => {
  test.each([
    ['nothing', {}, ['miss', 'hit', 'hit']],
    ['x-mesh-cache: on', header('x-mesh-cache', 'on'), ['miss', 'hit', 'hit']],
    ['x-mesh-cache: ON', header('x-mesh-cache', ' ON '), ['miss', 'hit', 'hit']],
    ['x-mesh-cache: off', header('x-mesh-cache', 'off'), ['miss', 'bypass', 'hit']],
    ['x-mesh-cache: refresh', header('x-mesh-cache', 'refresh'), ['miss', 'refresh', 'hit']],
    ['x-mesh-cache: only', header('x-mesh-cache', 'only'), ['miss', 'hit', 'hit']],
    ['no-store', header('cache-control', 'no-store'), ['miss', 'bypass', 'hit']],
    ['no-cache', header('cache-control', 'no-cache'), ['miss', 'refresh', 'hit']],
    ['NO-CACHE, x', header('cache-control', 'x=1, NO-CACHE'), ['miss', 'refresh', 'hit']],
    ['only-if-cached', header('cache-control', 'only-if-cached'), ['miss', 'hit', 'hit']],
    ['max-age', header('cache-control', 'max-age=3600'), ['miss', 'hit', 'hit']],
    ['max-age="3600"', header('cache-control', 'max-age="3600"'), ['miss', 'hit', 'hit']],
    ['a word that does not exist', header('x-mesh-cache', 'maybe'), ['miss', 'invalid_header', 'hit']],
    ['two words', header('x-mesh-cache', 'on, off'), ['miss', 'invalid_header', 'hit']],
    ['no time to live', header('x-mesh-cache-ttl', '0'), ['miss', 'invalid_header', 'hit']],
    ['max-age of nothing', header('cache-control', 'max-age'), ['miss', 'invalid_header', 'hit']],
  ])('%s', async (_name, options, expected) => {
    expect(await words(fresh(), PRIME, options, PRIME)).toEqual(expected)
  })

  test.each([
    ['x-mesh-cache: off', header('x-mesh-cache', 'off'), 'bypass'],
    ['no-store', header('cache-control', 'no-store'), 'bypass'],
    ['a refusal', header('x-mesh-cache', 'only'), 'not_cached'],
    ['a refusal', header('cache-control', 'only-if-cached'), 'not_cached'],
  ])('%s leaves nothing behind', async (_name, options, word) => {
    expect(await words(fresh(), options, PRIME)).toEqual([word, 'miss'])
  })

  test.each([
    ['off, only', { 'x-mesh-cache': 'off', 'cache-control': 'only-if-cached' }],
    ['refresh, only', { 'x-mesh-cache': 'refresh', 'cache-control': 'only-if-cached' }],
    ['only, no-store', { 'x-mesh-cache': 'only', 'cache-control': 'no-store' }],
  ])('%s together leave nothing to answer with', async (_name, headers) => {
    expect(await words(fresh(), PRIME, { headers })).toEqual(['miss', 'not_cached'])
  })

  test('who wants only what is cached costs no pool anything, and is not told to come back', async () => {
    const before = generations()
    const answer = await ask(fresh(), header('x-mesh-cache', 'only'))
    expect(answer.status).toBe(504)
    expect(answer.headers.get('x-should-retry')).toBe('false')
    expect(generations()).toBe(before)
  })

  test('a short life ends', async () => {
    const prompt = fresh()
    await ask(prompt, header('x-mesh-cache-ttl', '1'))
    await expect.poll(() => ask(prompt).then(({ word }) => word), { timeout: 5000 }).toBe('miss')
  })

  test.each([
    ['max-age', header('cache-control', 'max-age=1')],
    ['a time to live', header('x-mesh-cache-ttl', '1')],
  ])('a reader with %s of a second does not take what is older', async (_name, options) => {
    const prompt = fresh()
    await ask(prompt)
    await expect.poll(() => ask(prompt, options).then(({ word }) => word), { timeout: 5000 }).toBe('miss')
  })

  test('an answer says what the cache did, in the standard’s words too', async () => {
    const prompt = fresh()
    const miss = await ask(prompt)
    expect(miss.headers.get('cache-status')).toBe('warmpath; fwd=miss; stored')
    expect(miss.headers.get('age')).toBeNull()
    const hit = await ask(prompt)
    expect(hit.headers.get('cache-status')).toMatch(/^warmpath; hit; ttl=(3600|35\d\d)$/)
    expect(hit.headers.get('age')).toMatch(/^\d$/)
    const off = await ask(prompt, header('x-mesh-cache', 'off'))
    expect(off.headers.get('cache-status')).toBe('warmpath; fwd=bypass; detail=off')
    const sampled = await ask(prompt, body({ temperature: 1 }))
    expect(sampled.headers.get('cache-status')).toBe('warmpath; fwd=bypass; detail=sampled')
    expect(sampled.headers.get('x-request-id')).not.toBe(hit.headers.get('x-request-id'))
  })
})

describe('the same question', () => {
  const SAME: readonly [string, ChatOptions][] = [
    ['streamed', body({ stream: true })],
    ['streamed with usage', body({ stream: true, stream_options: { include_usage: true } })],
    ['for a user', body({ user: 'ann' })],
    ['with metadata', body({ metadata: { a: 'b' } })],
    ['with its limit under the newer name', body({ max_completion_tokens: 6 })],
    ['with nulls', body({ stop: null, n: null })],
    ['with temperature 0.0 and -0', body({ temperature: -0 })],
  ]
  test.each(SAME)('%s is the same question', async (_name, options) => {
    expect(await words(fresh(), PRIME, options)).toEqual(['miss', 'hit'])
  })

  const OTHER: readonly [string, ChatOptions][] = [
    ['a seed', body({ seed: 1 })],
    ['another top_p', body({ top_p: 0.5 })],
    ['a stop', body({ stop: ['x'] })],
    ['a space more', body({ messages: [{ role: 'user', content: 'Fresh question  1' }] })],
    ['another role', body({ messages: [{ role: 'system', content: 'Fresh question 1' }] })],
    ['a name', body({ messages: [{ role: 'user', name: 'ann', content: 'Fresh question 1' }] })],
    [
      'one message cut in two',
      body({ messages: ['Fresh', ' question 1'].map((content) => ({ role: 'user', content })) }),
    ],
  ]
  test.each(OTHER)('with %s is another question', async (_name, options) => {
    expect(await words('Fresh question 1', PRIME, PRIME, options, options)).toEqual([
      expect.stringMatching(/miss|hit/),
      'hit',
      'miss',
      'hit',
    ])
  })

  test('a seed makes a sampled answer shareable, and each seed has its own', async () => {
    const seeds = [1, 2, 1, 2, 1.0].map((seed) => body({ temperature: 0.7, seed }))
    expect(await words(fresh(), ...seeds)).toEqual(['miss', 'miss', 'hit', 'hit', 'hit'])
  })

  test('an absent temperature is not 0', async () => {
    const sampled = body({ temperature: undefined })
    expect(await words(fresh(), sampled, sampled)).toEqual(['bypass', 'bypass'])
  })

  test('from another data centre of the region is answered from the same log', async () => {
    const prompt = fresh()
    const first = await ask(prompt)
    const second = await ask(prompt, {}, 'AMS')
    expect([first.word, second.word]).toEqual(['miss', 'hit'])
    expect(second.text).toBe(first.text)
  })
})

describe('a token limit is no part of the question', () => {
  test('an answer that ended by it is cut for who asked for less, and goes on for who asked for more', async () => {
    const prompt = fresh()
    const answers: Answer[] = []
    for (const max of [4, 9, 2, 4, 9]) answers.push(await ask(prompt, body({ max_tokens: max })))
    expect(answers.map(({ word }) => word)).toEqual(['miss', 'extended', 'hit', 'hit', 'hit'])
    expect(answers.map(({ finish }) => finish)).toEqual(Array(5).fill('length'))
    expect(answers.map(tokensOf)).toEqual([4, 9, 2, 4, 9])
    const [four, nine, two, fourAgain, nineAgain] = answers.map(({ text }) => text)
    expect([fourAgain, nineAgain]).toEqual([four, nine])
    expect([nine?.startsWith(four ?? 'x'), four?.startsWith(two ?? 'x')]).toEqual([true, true])
  })

  test('an answer that ended by itself is given to everyone whose limit it is within, and cut for the others', async () => {
    const prompt = fresh()
    const whole = await ask(prompt, body({ max_tokens: undefined }))
    const tokens = tokensOf(whole)
    expect(whole.finish).toBe('stop')
    const before = generations()
    const asking = [tokens + 1, tokens, tokens - 1].map((max) => body({ max_tokens: max }))
    expect(await words(prompt, ...asking)).toEqual(['hit', 'hit', 'hit'])
    const cut = await ask(prompt, body({ max_tokens: tokens - 1 }))
    expect([cut.finish, tokensOf(cut)]).toEqual(['length', tokens - 1])
    expect(whole.text.startsWith(cut.text)).toBe(true)
    expect(generations()).toBe(before)
  })
})

describe('a replay', () => {
  const STREAM = body({ stream: true, stream_options: { include_usage: true }, max_tokens: undefined })
  const JSON_ANSWER = body({ max_tokens: undefined })
  test.each([
    ['JSON after JSON', JSON_ANSWER, JSON_ANSWER],
    ['JSON after a stream', STREAM, JSON_ANSWER],
    ['a stream after JSON', JSON_ANSWER, STREAM],
    ['a stream after a stream', STREAM, STREAM],
  ])('%s says the same', async (_name, first, second) => {
    const prompt = fresh()
    const before = generations()
    const made = await ask(prompt, first)
    const cost = generations() - before
    const replayed = await ask(prompt, second)
    expect([made.word, replayed.word]).toEqual(['miss', 'hit'])
    expect(made.text.length).toBeGreaterThan(100)
    for (const part of ['text', 'finish', 'usage'] as const) expect(replayed[part]).toEqual(made[part])
    expect(generations() - before).toBe(cost)
  })

  test('shows usage only to who asked for it', async () => {
    const prompt = fresh()
    await ask(prompt, STREAM)
    const plain = await ask(prompt, body({ stream: true, max_tokens: undefined }))
    expect(plain.word).toBe('hit')
    expect(plain.usage).toBeUndefined()
  })
})

describe('what is not whole is not given for whole', () => {
  test('an error is not kept', async () => {
    const prompt = fresh()
    setFaults({ status: 500 })
    expect((await ask(prompt)).status).toBe(503)
    clearFaults()
    await expect.poll(() => ask(prompt).then(({ status }) => status), { timeout: 10_000 }).toBe(200)
    expect((await ask(prompt)).word).toBe('hit')
  })

  test.each([
    ['JSON', false],
    ['a stream', true],
  ])('an answer that was cut, as %s, is only a beginning', async (_name, stream) => {
    const prompt = fresh()
    // Two pools may die under one request.
    setFaults({ die_after_tokens: 2 })
    const cut = await ask(prompt, body({ stream }))
    expect([cut.error, cut.finish]).toEqual(['stream_truncated', null])
    clearFaults()
    await expect.poll(() => ask(prompt).then(({ status }) => status), { timeout: 10_000 }).toBe(200)
    const again = await ask(prompt)
    expect([again.finish, tokensOf(again)]).toEqual(['length', 6])
    expect(again.text).toBe((await ask(prompt, header('x-mesh-cache', 'off'))).text)
  })
})

function tokensOf({ usage }: Answer): number {
  return (usage as { completion_tokens: number }).completion_tokens
}

function setFaults(faults: Parameters<TestMesh['engines'][string]['setFaults']>[0]): void {
  for (const engine of Object.values(mesh.engines)) engine.setFaults(faults)
}

function clearFaults(): void {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
}
