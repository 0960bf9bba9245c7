/** Identical requests that come together cost one generation, and none of them depends on the others staying. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { askFor, type Answer } from '../support/answer.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw, type RawRequest } from '../support/raw-request.ts'

const STORY = { temperature: 0, max_tokens: 24 }
const TOGETHER = 20

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  // Slow enough that twenty requests are there before the first is done.
  mesh = await startMesh({
    colos: ['FRA', 'AMS'],
    distances: false,
    engine: { prefillOverheadMs: 100, interTokenLatencyMs: 10 },
    config: withSecondEuPool,
  })
  // The first request of an isolate waits for its lease.
  for (const colo of ['FRA', 'AMS']) await ask(`Warm up ${colo}`, { max_tokens: 1 }, colo)
})
afterAll(() => mesh.stop())
beforeEach(() => {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
})

/** A second pool in the EU, which is really the one in the US, so that it can fail alone. */
function withSecondEuPool(urls: Readonly<Record<string, string>>) {
  const { pools } = aMeshConfig(urls)
  const second = { ...pools[0], id: 'eu-second', url: `${urls['us-east']}/v1` }
  const limits = { first_token_ms: 2000, quarantine_ms: 1 }
  return aMeshConfig(urls, { pools: [...pools, second], limits })
}

function ask(
  prompt: string,
  body: Readonly<Record<string, unknown>> = {},
  colo = 'FRA',
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return askFor(mesh, colo, prompt, { body: { ...STORY, ...body }, headers })
}

/** A prompt that no other test has asked. */
function fresh(): string {
  unique += 1
  return `Fresh question ${unique}`
}

function total(count: 'generations' | 'running' | 'aborted' | 'tokens_generated'): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats()[count], 0)
}

/** How many there were of each word. */
function wordsOf(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { word } of answers) counts[String(word)] = (counts[String(word)] ?? 0) + 1
  return counts
}

describe('twenty together', () => {
  test.each([
    ['as JSON', () => ({})],
    ['as streams', () => ({ stream: true })],
    ['of both kinds', (index: number) => ({ stream: index % 2 === 0 })],
  ])('%s, in two data centres, cost one generation', async (_name, bodyOf) => {
    const prompt = fresh()
    const before = total('generations')
    const answers = await Promise.all(
      Array.from({ length: TOGETHER }, (_, index) =>
        ask(prompt, bodyOf(index), index % 3 === 0 ? 'AMS' : 'FRA'),
      ),
    )
    expect(total('generations') - before).toBe(1)
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(new Set(answers.map(({ finish }) => finish))).toEqual(new Set(['length']))
    const { miss, hit = 0, coalesced = 0 } = wordsOf(answers)
    expect({ miss, others: hit + coalesced }).toEqual({ miss: 1, others: TOGETHER - 1 })
    expect(coalesced).toBeGreaterThan(0)
  })

  test.each([
    ['with two limits', (index: number) => 10 + (index % 2), 11],
    ['with twenty limits', (index: number) => 5 + ((index * 7) % TOGETHER), 24],
  ])('%s cost at most two, and no token twice', async (_name, limitOf, most) => {
    const prompt = fresh()
    // So slow that all are there before any is made.
    for (const engine of Object.values(mesh.engines)) engine.setFaults({ slow_factor: 8 })
    const before = { generations: total('generations'), tokens: total('tokens_generated') }
    const answers = await Promise.all(
      Array.from({ length: TOGETHER }, (_, index) =>
        ask(prompt, { max_tokens: limitOf(index), ignore_eos: true, stream: index % 3 === 0 }),
      ),
    )
    expect(total('generations') - before.generations).toBeLessThanOrEqual(2)
    expect(total('tokens_generated') - before.tokens).toBe(most)
    const longest = answers.find((_, index) => limitOf(index) === most)
    for (const [index, { text, finish, usage }] of answers.entries()) {
      expect(finish).toBe('length')
      expect(longest?.text.startsWith(text)).toBe(true)
      if (index % 3 !== 0) expect(usage).toMatchObject({ completion_tokens: limitOf(index) })
    }
    // Each is longer than the one with a token less.
    const lengths = new Map(answers.map(({ text }, index) => [limitOf(index), text.length]))
    const inOrder = [...lengths].toSorted(([a], [b]) => a - b).map(([, length]) => length)
    expect(inOrder).toEqual([...new Set(inOrder)].toSorted((a, b) => a - b))
  })

  test('that want it fresh share the fresh one', async () => {
    const prompt = fresh()
    await ask(prompt)
    const before = total('generations')
    for (const engine of Object.values(mesh.engines)) engine.setFaults({ slow_factor: 4 })
    const refreshed = await Promise.all(
      Array.from({ length: TOGETHER }, () => ask(prompt, {}, 'FRA', { 'x-mesh-cache': 'refresh' })),
    )
    expect(total('generations') - before).toBe(1)
    expect(wordsOf(refreshed)).toEqual({ refresh: 1, coalesced: TOGETHER - 1 })
  })

  test('all hear of a failure, in the same words, and it is not given for an answer', async () => {
    const prompt = fresh()
    // Two of them die, one after the other; a third is not asked.
    for (const engine of Object.values(mesh.engines)) engine.setFaults({ die_after_tokens: 5 })
    const answers = await Promise.all(
      Array.from({ length: TOGETHER }, (_, index) => ask(prompt, { stream: index % 2 === 0 })),
    )
    expect(new Set(answers.map(({ error }) => error))).toEqual(new Set(['stream_truncated']))
    for (const engine of Object.values(mesh.engines)) engine.clearFaults()
    await expect
      .poll(async () => (await ask(prompt)).finish, { timeout: 10_000, interval: 200 })
      .toBe('length')
  })

  test('a failure of pools to which one has narrowed itself is not told to who has not', async () => {
    const prompt = fresh()
    mesh.engines['us-east']?.setFaults({ stall_after_tokens: 0 })
    const narrow = ask(prompt, {}, 'FRA', { 'x-mesh-residency': 'eu-second' })
    await expect.poll(() => total('running')).toBe(1)
    const wide = ask(prompt, {}, 'FRA', { 'x-mesh-residency': 'eu' })
    expect((await narrow).error).toBe('pool_timeout')
    expect([(await wide).status, (await wide).finish]).toEqual([200, 'length'])
  })

  test('who wants only what is cached may join, and starts nothing', async () => {
    const prompt = fresh()
    const only = { 'x-mesh-cache': 'only' }
    expect((await ask(prompt, {}, 'FRA', only)).word).toBe('not_cached')
    const making = ask(prompt)
    await expect.poll(() => total('running')).toBe(1)
    const joined = await ask(prompt, {}, 'FRA', only)
    expect(['coalesced', 'hit']).toContain(joined.word)
    expect(joined.text).toBe((await making).text)
  })
})

describe('a reader that leaves', () => {
  const LONG = { stream: true, max_tokens: 60 }

  /** Begins a stream that can be reset, which a runtime notices even while nothing is sent. */
  function open(prompt: string, body: Readonly<Record<string, unknown>>): RawRequest {
    const json = JSON.stringify({
      model: 'story',
      messages: [{ role: 'user', content: prompt }],
      ...STORY,
      ...body,
    })
    const head = postHead('/v1/chat/completions', [
      `authorization: Bearer ${KEYS.demo}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(json)}`,
    ])
    return sendRaw(mesh.url('FRA'), head + json)
  }

  test('takes nothing away from one who stays', async () => {
    const prompt = fresh()
    const aborted = total('aborted')
    const leaver = open(prompt, LONG)
    await expect.poll(() => leaver.received()).toContain('"content"')
    const stayer = open(prompt, LONG)
    await expect.poll(() => stayer.received()).toContain('"content"')
    expect(stayer.received()).toContain('x-mesh-cache: coalesced')
    leaver.socket.resetAndDestroy()
    await expect.poll(() => stayer.received(), { timeout: 10_000 }).toContain('data: [DONE]')
    stayer.socket.destroy()
    expect(stayer.received()).toMatch(/"finish_reason":"(stop|length)"/)
    expect(stayer.received()).not.toContain('"error"')
    expect(total('aborted')).toBe(aborted)
  })

  test('leaves nothing broken for one who comes just then', async () => {
    for (let round = 0; round < 4; round += 1) {
      const prompt = fresh()
      const leaver = open(prompt, LONG)
      if (round % 2 === 0) await expect.poll(() => leaver.received()).toContain('"content"')
      else await expect.poll(() => total('running')).toBe(1)
      leaver.socket.resetAndDestroy()
      const answer = await ask(prompt, LONG)
      expect([answer.status, answer.error]).toEqual([200, undefined])
      expect(answer.finish).toMatch(/stop|length/)
      await expect.poll(() => total('running')).toBe(0)
    }
  })
})
