/** The engine alone: that it speaks llama-server's dialect, and that what it says can be taken up anywhere. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { llamacpp } from '../../workers/adapters/llamacpp.ts'
import { realEngine, type RealEngine } from '../support/real-engine.ts'
import { CHAT, chatOf, COMPLETIONS, piecesOf, post, stream, textOf, whole } from './client.ts'

const ONCE = 'Once upon a time'
const PROMPTS = [
  ONCE,
  'What is a mesh?',
  'The little dog said "',
  'You are kind.\nHello',
  'Zoë wanted a 😀 and',
]
/** Its answer to the first prompt: what every machine has to say. */
const BEGINNING = ', there was a little girl named Lily. She loved to play outside in the park.'

const setup = await realEngine()

describe.skipIf('skip' in setup)('the real engine', () => {
  let engine: RealEngine
  /** Another pool: nothing of the first one's cache. */
  let other: RealEngine

  beforeAll(async () => {
    if ('skip' in setup) return
    engine = await setup.start()
    other = await setup.start({ slots: 2, contextTokens: 512 })
  })
  afterAll(async () => {
    await Promise.all([engine.close(), other.close()])
  })
  afterEach(() => engine.clearFaults())

  describe('text', () => {
    test('is the same whole, streamed, and on either surface', async () => {
      const limit = { max_tokens: 27 }
      const asChat = { ...chatOf(ONCE), ...limit }
      const asPrompt = { prompt: ONCE, ...limit }
      expect(textOf([await whole(engine, CHAT, asChat)])).toBe(BEGINNING)
      expect(textOf((await stream(engine, CHAT, asChat)).chunks)).toBe(BEGINNING)
      expect(textOf([await whole(engine, COMPLETIONS, asPrompt)])).toBe(BEGINNING)
      expect(textOf((await stream(engine, COMPLETIONS, asPrompt)).chunks)).toBe(BEGINNING)
    })

    test('at temperature 0 does not depend on what else is generated at the same time', async () => {
      const alone: string[] = []
      for (const prompt of PROMPTS) {
        alone.push(textOf([await whole(other, CHAT, { ...chatOf(prompt), max_tokens: 60 })]))
      }
      const asked = PROMPTS.map((prompt) => whole(engine, CHAT, { ...chatOf(prompt), max_tokens: 60 }))
      expect((await Promise.all(asked)).map((answer) => textOf([answer]))).toEqual(alone)
    })

    test.each(PROMPTS)('goes on at every cut as if there had been none: %j', async (prompt) => {
      const { chunks } = await stream(engine, CHAT, { ...chatOf(prompt), max_tokens: 60 })
      const pieces = piecesOf(chunks)
      expect(pieces.length).toBeGreaterThan(40)
      const texts = pieces.slice(1).map(async (_, index) => {
        const begun = pieces.slice(0, index + 1).join('')
        const rest = await stream(other, CHAT, { ...chatOf(prompt, begun), max_tokens: 59 - index })
        return begun + textOf(rest.chunks)
      })
      expect(new Set(await Promise.all(texts))).toEqual(new Set([pieces.join('')]))
    })

    test('goes on from a prompt that ends with the text so far', async () => {
      const { chunks } = await stream(engine, COMPLETIONS, { prompt: ONCE, max_tokens: 60 })
      const pieces = piecesOf(chunks)
      for (let cut = 1; cut < pieces.length; cut += 4) {
        const begun = pieces.slice(0, cut).join('')
        const body = { prompt: ONCE + begun, max_tokens: 60 - cut }
        expect(begun + textOf([await whole(other, COMPLETIONS, body)])).toBe(pieces.join(''))
      }
    })

    test('ends where the story ends, and continuations of it end there too', async () => {
      const { chunks, isDone } = await stream(engine, CHAT, chatOf(ONCE))
      const pieces = piecesOf(chunks)
      expect(isDone).toBe(true)
      expect(chunks.at(-1)).toMatchObject({
        choices: [{ finish_reason: 'stop' }],
        timings: { predicted_n: 342 },
      })
      expect(pieces.length).toBe(341)
      for (const cut of [5, 120, 300, 340, 341]) {
        const begun = pieces.slice(0, cut).join('')
        const rest = await stream(other, CHAT, chatOf(ONCE, begun))
        expect(begun + textOf(rest.chunks)).toBe(pieces.join(''))
        expect(rest.chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
      }
    })

    test('repeats with a seed, and differs with others', async () => {
      const sampled = (seed: number) => ({ prompt: 'Tom', temperature: 1.5, top_p: 1, seed, max_tokens: 40 })
      const texts = [1, 1, 2, 3].map(async (seed) =>
        textOf([await whole(engine, COMPLETIONS, sampled(seed))]),
      )
      const [first, again, ...others] = await Promise.all(texts)
      expect(again).toBe(first)
      expect(new Set([first, ...others]).size).toBe(3)
    })

    test('comes from token ids as from their text', async () => {
      const body = { prompt: [1, 403, 407, 261, 378], max_tokens: 27 }
      expect(textOf([await whole(engine, COMPLETIONS, body)])).toBe(BEGINNING)
    })

    test('ends before a stop string, and no part of that is sent', async () => {
      const body = { ...chatOf(ONCE), stop: ['nowhere', 'outside'] }
      const { chunks } = await stream(engine, CHAT, body)
      expect(textOf(chunks)).toBe(', there was a little girl named Lily. She loved to play ')
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
    })
  })

  describe('continuing', () => {
    const begun = ', there was a little'
    const last = { role: 'assistant', content: begun }
    const messages = [{ role: 'user', content: ONCE }, last]
    const rest = ' girl named'

    test('repeats the beginning in whole answers, and in streams without the pair of flags', async () => {
      const limit = { max_tokens: 4 }
      const pair = { ...chatOf(ONCE, begun), ...limit }
      expect(textOf((await stream(engine, CHAT, pair)).chunks)).toBe(rest)
      expect(textOf([await whole(engine, CHAT, pair)])).toBe(begun + rest)
      expect(textOf([await whole(engine, CHAT, { messages, ...limit })])).toBe(begun + rest)
      const { chunks } = await stream(engine, CHAT, { messages, ...limit })
      expect(piecesOf(chunks)).toEqual([begun, ' g', 'ir', 'l', ' named'])
    })

    test.each([
      [
        'one flag without the other',
        { messages, continue_final_message: true },
        'Cannot set both add_generation_prompt and continue_final_message to true.',
      ],
      [
        'two answers at the end',
        { messages: [...messages, last] },
        'Cannot have 2 or more assistant messages at the end of the list.',
      ],
    ])('refuses %s', async (_, body, message) => {
      const response = await post(engine, CHAT, body)
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: { code: 400, message, type: 'invalid_request_error' } },
      ])
    })
  })

  describe('counts', () => {
    test('stand on every chunk that is asked for them, and in the usage at the end', async () => {
      const body = { timings_per_token: true, stream_options: { include_usage: true }, max_tokens: 3 }
      await whole(engine, CHAT, { ...chatOf('Lily'), max_tokens: 1 })
      const { chunks } = await stream(engine, CHAT, { ...chatOf('Lily'), ...body })
      expect(chunks.map(({ choices }) => choices[0] ?? null)).toEqual([
        { finish_reason: null, index: 0, delta: { role: 'assistant', content: null } },
        { finish_reason: null, index: 0, delta: { content: expect.any(String) } },
        { finish_reason: null, index: 0, delta: { content: expect.any(String) } },
        { finish_reason: null, index: 0, delta: { content: expect.any(String) } },
        { finish_reason: 'length', index: 0, delta: {} },
        null,
      ])
      expect(chunks.map(({ timings }) => timings?.predicted_n)).toEqual([undefined, 1, 2, 3, 3, 3])
      expect(chunks[1]?.timings).toMatchObject({ cache_n: 1, prompt_n: 1 })
      expect(chunks.at(-1)?.usage).toEqual({
        completion_tokens: 3,
        prompt_tokens: 2,
        total_tokens: 5,
        prompt_tokens_details: { cached_tokens: 1 },
      })
    })

    test('are in the finish chunk, and nowhere else, when nothing is asked for', async () => {
      const { chunks } = await stream(engine, COMPLETIONS, { prompt: ONCE, max_tokens: 2 })
      expect(chunks.map(({ timings }) => timings?.predicted_n)).toEqual([undefined, undefined, 2])
      expect(chunks.map(({ usage }) => usage)).toEqual([undefined, undefined, undefined])
    })

    test('say how much of a prompt was known', async () => {
      const story = `${ONCE}${BEGINNING}`.repeat(4)
      const usage = async (prompt: string) =>
        (await whole(engine, COMPLETIONS, { prompt, max_tokens: 1 })).usage
      const cold = await usage(story)
      const warm = await usage(`${story} One day`)
      expect(cold?.prompt_tokens).toBeGreaterThan(100)
      expect(warm?.prompt_tokens_details.cached_tokens).toBe(cold?.prompt_tokens)
    })

    test('are what the gateway reads of a stream', async () => {
      const body = { messages: [{ role: 'user', content: ONCE }], temperature: 0, max_tokens: 4 }
      const input = {
        surface: 'chat',
        body,
        servedModel: 'any',
        cacheSalt: 's',
        isContinuation: false,
      } as const
      const request = llamacpp.buildRequest(input)
      const events = await (await post(engine, `/v1/${request.path}`, request.body)).text()
      const read = events
        .split('\n\n')
        .filter((event) => event !== '')
        .map((event) => llamacpp.readEvent('chat', event.slice('data: '.length)))
      expect(read.map(({ kind }) => kind)).toEqual([...Array(6).fill('frame'), 'usage', 'done'])
      const frames = read.flatMap((event) => (event.kind === 'frame' ? [event.frame] : []))
      expect(frames.map(({ completionTokens }) => completionTokens)).toEqual([undefined, 1, 2, 3, 4, 4])
      expect(frames.map(({ text }) => text).join('')).toBe(', there was a')
      expect(read.at(-2)).toMatchObject({ usage: { promptTokens: 5, completionTokens: 4 } })
    })
  })
})
