import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { EngineOptions } from '../../../../tools/local/engine/options.ts'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { ask, contentOf, post, readBroken, soon, stream, whole, type Chunk } from './client.ts'
import { createFakeClock } from './fake-clock.ts'

const CHAT = '/v1/chat/completions'
const COMPLETIONS = '/v1/completions'
const QUESTION = { messages: [{ role: 'user', content: 'Tell me about the sea.' }], temperature: 0 }
const BEGINNING = { prompt: 'Once upon a time', temperature: 0, max_tokens: 30 }
const SURFACES = [
  ['chat', CHAT, QUESTION],
  ['completions', COMPLETIONS, BEGINNING],
] as const

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ model: 'sim' })
})
afterAll(() => engine.close())

function partsOf(chunks: readonly Chunk[], index: number) {
  return chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index)
}

function textIn(chunks: readonly Chunk[], index: number): string {
  return partsOf(chunks, index)
    .map(({ delta, text }) => delta?.content ?? text ?? '')
    .join('')
}

async function textsOf(path: string, body: object): Promise<string[]> {
  const { choices } = await whole(engine, path, body)
  expect(choices.map(({ index }) => index)).toEqual(choices.map((_, at) => at))
  return choices.map(({ message, text }) => message?.content ?? text ?? '')
}

describe.each(SURFACES)('several choices on the %s surface', (_, path, body) => {
  test('are texts of their own, of which the first is the only one of n = 1', async () => {
    const texts = await textsOf(path, { ...body, n: 8 })
    expect(new Set(texts).size).toBe(8)
    expect(texts[0]).toBe(contentOf(await whole(engine, path, body)))
  })

  test('repeat, also when sampled with a seed, and another seed gives others', async () => {
    expect(await textsOf(path, { ...body, n: 3 })).toEqual(await textsOf(path, { ...body, n: 3 }))
    const sample = { ...body, temperature: 1, n: 3 }
    const texts = await textsOf(path, { ...sample, seed: 5 })
    expect(texts).toEqual(await textsOf(path, { ...sample, seed: 5 }))
    const alone = [5, 6, 7].map(async (seed) =>
      contentOf(await whole(engine, path, { ...sample, n: 1, seed })),
    )
    expect(texts).toEqual(await Promise.all(alone))
    expect(await textsOf(path, { ...sample, seed: 55 })).not.toEqual(texts)
    const [greedy, other] = await textsOf(path, { ...body, n: 2, seed: 55 })
    const [sameGreedy, another] = await textsOf(path, { ...body, n: 2 })
    expect([greedy === sameGreedy, other === another]).toEqual([true, false])
  })

  test('stream in turn, each to its own finish, and join to the whole answer', async () => {
    const asked = { ...body, n: 3, return_token_ids: true }
    const answer = await whole(engine, path, asked)
    const chunks = await stream(engine, path, asked)
    for (const choice of answer.choices) {
      const parts = partsOf(chunks, choice.index)
      expect(textIn(chunks, choice.index)).toBe(choice.message?.content ?? choice.text)
      expect(parts.flatMap(({ token_ids: ids }) => ids ?? [])).toEqual(
        (choice as { token_ids?: unknown }).token_ids,
      )
      expect(parts.filter(({ finish_reason: finish }) => finish !== null)).toEqual([parts.at(-1)])
      expect(parts.at(-1)?.finish_reason).toBe(choice.finish_reason)
    }
    const order = chunks.map(({ choices }) => choices[0]?.index)
    expect(order.slice(0, 9)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2])
  })

  test('are all counted, beside a prompt that is counted once', async () => {
    const options = { stream_options: { include_usage: true, continuous_usage_stats: true } }
    const chunks = await stream(engine, path, { ...body, n: 3, max_tokens: 5, ...options })
    const prompt = chunks.at(-1)?.usage?.prompt_tokens ?? 0
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: 15, total_tokens: prompt + 15 },
    })
    // As in vLLM, what a chunk counts is its own choice's.
    const own = chunks.filter(({ choices }) => choices[0]?.index === 2)
    const counts = own.map(({ usage }) => usage?.completion_tokens)
    expect(counts.filter((count) => count !== 0)).toEqual([1, 2, 3, 4, 5])
    const { usage } = await whole(engine, path, { ...body, n: 3, max_tokens: 5 })
    expect(usage).toMatchObject({ prompt_tokens: prompt, completion_tokens: 15 })
  })
})

describe('several choices', () => {
  const engines: Engine[] = []
  async function start(options: EngineOptions): Promise<Engine> {
    const started = await startEngine(options)
    engines.push(started)
    return started
  }
  afterEach(async () => {
    for (const started of engines.splice(0)) await started.close()
  })

  test('begin with a role chunk each', async () => {
    const chunks = await stream(engine, CHAT, { ...QUESTION, n: 2, max_tokens: 1 })
    expect(chunks.map(({ choices }) => [choices[0]?.index, choices[0]?.delta?.role])).toEqual([
      [0, 'assistant'],
      [1, 'assistant'],
      [0, undefined],
      [1, undefined],
    ])
  })

  test('end each at its own stop string', async () => {
    const [first = '', second = ''] = await textsOf(CHAT, { ...QUESTION, n: 2 })
    const stop = [...second.matchAll(/\w+ \w+ \w+/g)]
      .map(([text]) => text)
      .find((text) => !first.includes(text))
    const answer = await whole(engine, CHAT, { ...QUESTION, n: 2, stop })
    expect(answer.choices.map(({ stop_reason: reason }) => reason)).toEqual([null, stop])
    expect(answer.choices[1]?.message?.content).toBe(second.slice(0, second.indexOf(stop ?? '')))
  })

  test('compute the prompt once, take a place each, and leave it when they are over', async () => {
    const clock = createFakeClock()
    const times = { prefillOverheadMs: 1_000, interTokenLatencyMs: 10 }
    const slow = await start({ clock, maxNumSeqs: 4, ...times })
    const first = stream(slow, CHAT, { ...QUESTION, n: 3, max_tokens: 2 })
    await soon(() => expect(slow.stats().running).toBe(3))
    const second = post(slow, CHAT, { ...QUESTION, n: 2, max_tokens: 2 })
    await soon(() => expect(slow.stats().requests).toBe(2))
    expect(slow.stats().running).toBe(3)
    await clock.advance(1_010)
    await first
    await soon(() => expect(slow.stats().running).toBe(2))
    await clock.advance(2_000)
    await second
    expect(slow.stats()).toMatchObject({ running: 0, generations: 2, prompt_tokens_computed: 20 })
    expect(slow.stats().tokens_generated).toBe(10)
  })

  test('leave each its own text in the cache', async () => {
    const fresh = await start({ model: 'sim' })
    const { choices, usage } = await whole(fresh, CHAT, { ...QUESTION, n: 2 })
    for (const { message } of choices) {
      const messages = [...QUESTION.messages, message, { role: 'user', content: 'More.' }]
      const next = await whole(fresh, CHAT, { ...QUESTION, messages, max_tokens: 1 })
      expect(usage.prompt_tokens).toBeLessThan(16)
      expect(next.usage.prompt_tokens_details?.cached_tokens).toBeGreaterThan(32)
    }
  })

  test('share a fault’s count of tokens', async () => {
    const faulty = await start({ model: 'sim' })
    faulty.setFaults({ die_after_tokens: 7 })
    const response = await post(faulty, CHAT, { ...QUESTION, n: 3, stream: true, return_token_ids: true })
    const { data, isBroken } = await readBroken(response)
    const chunks = data.map((text): Chunk => JSON.parse(text))
    expect(isBroken).toBe(true)
    const counts = [0, 1, 2].map((index) => partsOf(chunks, index).flatMap(({ token_ids: ids }) => ids ?? []))
    expect(counts.map(({ length }) => length)).toEqual([3, 2, 2])
    expect(await ask(engine, 'Tell me about the sea.')).toBeDefined()
  })
})
