import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { embed } from '../../../../tools/local/engine/embedding.ts'
import type { EngineOptions } from '../../../../tools/local/engine/options.ts'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { encode } from '../../../../tools/local/engine/tokenizer.ts'
import { post, readBroken, soon } from './client.ts'
import { createFakeClock } from './fake-clock.ts'

const engines: Engine[] = []
async function start(options: EngineOptions = {}): Promise<Engine> {
  const engine = await startEngine({ model: 'sim', ...options })
  engines.push(engine)
  return engine
}
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close()
})

interface Answer {
  readonly data: readonly { readonly index: number; readonly object: string; readonly embedding: unknown }[]
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number }
}

const request = (engine: Engine, body: object, signal?: AbortSignal) =>
  post(engine, '/v1/embeddings', body, signal === undefined ? {} : { signal })

async function embedded(engine: Engine, body: object): Promise<Answer> {
  const response = await request(engine, body)
  expect(response.status).toBe(200)
  // The shape is what these tests check.
  return (await response.json()) as Answer
}

async function vectors(engine: Engine, body: object): Promise<unknown[]> {
  return (await embedded(engine, body)).data.map(({ embedding }) => embedding)
}

describe('a vector', () => {
  test('has the dimensions asked for and the length 1', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 1024 }), (text, dimensions) => {
        const vector = embed('sim', encode(text), dimensions)
        expect(vector.length).toBe(dimensions)
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5)
      }),
    )
  })

  test('is another for another text, number of dimensions or model, and else the same', () => {
    const base = [...embed('sim', encode('The sea.'), 8)]
    expect([...embed('sim', encode('The sea.'), 8)]).toEqual(base)
    const others = [embed('sim', encode('The sea!'), 8), embed('other', encode('The sea.'), 8)]
    for (const other of others) expect([...other]).not.toEqual(base)
    expect([...embed('sim', encode('The sea.'), 9)].slice(0, 8)).not.toEqual(base)
  })
})

describe('the embeddings surface', () => {
  test('answers in vLLM’s shape, with 64 dimensions if none are asked for', async () => {
    const engine = await start({ servedModelNames: ['embed-8b', 'alias'] })
    const answer = await embedded(engine, { model: 'alias', input: 'Tell me about the sea.' })
    expect(answer).toEqual({
      id: expect.stringMatching(/^embd-[0-9a-f]{32}$/),
      object: 'list',
      created: expect.any(Number),
      model: 'embed-8b',
      data: [{ index: 0, object: 'embedding', embedding: expect.any(Array) }],
      usage: { prompt_tokens: 6, total_tokens: 6 },
    })
    expect(answer.data[0]?.embedding).toHaveLength(64)
  })

  test('takes texts and token ids, one or several, and answers in their order', async () => {
    const engine = await start()
    const texts = ['Tell me', 'about the sea.', 'Tell me']
    const ids = texts.map(encode)
    const single = await Promise.all(texts.map(async (input) => (await vectors(engine, { input }))[0]))
    const answer = await embedded(engine, { input: texts })
    expect(answer.data.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(answer.data.map(({ embedding }) => embedding)).toEqual(single)
    expect(answer.usage).toEqual({ prompt_tokens: 8, total_tokens: 8 })
    expect(single[0]).toEqual(single[2])
    expect(single[0]).not.toEqual(single[1])
    expect(await vectors(engine, { input: ids })).toEqual(single)
    expect(await vectors(engine, { input: ids[0] })).toEqual([single[0]])
  })

  test('gives the same numbers in base64, as little-endian 32-bit floats', async () => {
    const engine = await start()
    const body = { input: ['The sea.', 'The café.'], dimensions: 5 }
    const plain = await vectors(engine, { ...body, encoding_format: 'float' })
    const coded = await vectors(engine, { ...body, encoding_format: 'base64' })
    const decoded = coded.map((text) => {
      const bytes = Buffer.from(String(text), 'base64')
      expect(bytes.length).toBe(20)
      return [0, 4, 8, 12, 16].map((at) => bytes.readFloatLE(at))
    })
    expect(decoded).toEqual(plain)
  })

  test.each([
    ['no input', {}, 400, /^input must be/],
    ['an empty list', { input: [] }, 400, /^input must be/],
    ['an empty text', { input: ['a', ''] }, 400, /^input must be/],
    ['ids outside the vocabulary', { input: [9] }, 400, /^input must be/],
    ['a list of texts and ids', { input: ['a', [20]] }, 200, /^$/],
    ['a list of ids and texts', { input: [20, 'a'] }, 400, /^input must be/],
    [
      'no dimensions',
      { input: 'a', dimensions: 0 },
      400,
      /^dimensions must be a whole number from 1 to 1024/,
    ],
    ['too many dimensions', { input: 'a', dimensions: 1_025 }, 400, /^dimensions must be/],
    ['an unknown encoding', { input: 'a', encoding_format: 'hex' }, 400, /"float" or "base64"/],
    ['an input to cut', { input: 'a', truncate_prompt_tokens: 1 }, 400, /does not do truncate_prompt_tokens/],
    ['another model', { input: 'a', model: 'gpt' }, 404, /^The model `gpt` does not exist\.$/],
    [
      'too long an input',
      { input: ['a', 'a '.repeat(60).trim()] },
      400,
      "This model's maximum context length is 50 tokens. However, you requested 60 tokens in the input for " +
        'embedding generation. Please reduce the length of the input.',
    ],
  ])('for %s answers as it should', async (_, body, status, message) => {
    const engine = await start({ maxModelLen: 50 })
    const response = await request(engine, body)
    expect(response.status).toBe(status)
    const { error } = (await response.json()) as { error?: { message: string; code: number } }
    expect(error?.message ?? '').toMatch(message)
    expect(engine.stats()).toMatchObject({ requests: 1, running: 0, embeddings: status === 200 ? 2 : 0 })
  })

  test('takes the time of its tokens and a place of the batch, and counts inputs and tokens', async () => {
    const clock = createFakeClock()
    const times = { prefillOverheadMs: 100, prefillTimePerTokenMs: 10 }
    const engine = await start({ clock, maxNumSeqs: 1, ...times })
    let answered = 0
    const body = { input: ['Tell me', 'about the sea.'] }
    const answers = [1, 2].map(() => embedded(engine, body).then(() => (answered += 1)))
    await soon(() => expect(engine.stats()).toMatchObject({ requests: 2, running: 1, embeddings: 2 }))
    await clock.advance(159)
    expect(answered).toBe(0)
    await clock.advance(1)
    await soon(() => expect(answered).toBe(1))
    await clock.advance(160)
    await Promise.all(answers)
    expect(engine.stats()).toEqual({
      requests: 2,
      generations: 0,
      embeddings: 4,
      prompt_tokens_computed: 12,
      prompt_tokens_cached: 0,
      tokens_generated: 0,
      running: 0,
      aborted: 0,
    })
  })

  test('is left by a client at once', async () => {
    const engine = await start({ clock: createFakeClock(), prefillOverheadMs: 1_000 })
    const controller = new AbortController()
    const answer = request(engine, { input: 'a' }, controller.signal).catch(() => 'left')
    await soon(() => expect(engine.stats().running).toBe(1))
    controller.abort()
    expect(await answer).toBe('left')
    await soon(() => expect(engine.stats()).toMatchObject({ running: 0, aborted: 1 }))
  })

  test.each([
    ['a status', { status: 503 }, 503],
    ['a redirect', { redirect_to: 'http://elsewhere.example/' }, 307],
    ['tokens that it does not have', { die_after_tokens: 5 }, 200],
  ])('meets the fault of %s', async (_, fault, status) => {
    const engine = await start()
    engine.setFaults({ ...fault, times: 1 })
    expect((await request(engine, { input: 'a' })).status).toBe(status)
    expect((await request(engine, { input: 'a' })).status).toBe(200)
  })

  test.each([
    ['is down', { down: true }],
    ['dies at once', { die_after_tokens: 0 }],
  ])('breaks off when the engine %s', async (_, fault) => {
    const engine = await start()
    engine.setFaults(fault)
    const outcome = await request(engine, { input: 'a' }).then(readBroken, () => ({ isBroken: true }))
    expect(outcome.isBroken).toBe(true)
    expect(engine.stats()).toMatchObject({ requests: 1, running: 0, aborted: 0 })
  })

  test('keeps its place while it stalls, until its client leaves', async () => {
    const engine = await start()
    engine.setFaults({ stall_after_tokens: 0 })
    const controller = new AbortController()
    const answer = request(engine, { input: 'a' }, controller.signal).catch(() => 'left')
    await soon(() => expect(engine.stats()).toMatchObject({ running: 1, prompt_tokens_computed: 1 }))
    controller.abort()
    await answer
    await soon(() => expect(engine.stats().running).toBe(0))
  })

  test('needs the key', async () => {
    const engine = await start({ apiKey: 'sk-local' })
    expect((await request(engine, { input: 'a' })).status).toBe(401)
  })
})
