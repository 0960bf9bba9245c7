/** Answers that are long in coming: SDKs pass over what keeps their streams alive, and raise what fails after it. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'
import { APIError } from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { anew, collect, question, textOf } from './ask.ts'
import { describeOwn, openAi, openOwnTarget, type OwnTarget } from './target.ts'

const FIRST_TOKEN_MS = 1500
/** Of the simulated pools, so that several comments come before it. */
const PREFILL_MS = 500
const LIMITS = { commit_after_ms: 100, keep_alive_ms: 100, first_token_ms: FIRST_TOKEN_MS }
const COMMENT = ': keep-alive\n\n'
const PATHS = [
  ['shared', {}],
  ['private', { 'x-mesh-cache': 'off' }],
] as const

// Its completions warn of a field that we never set.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

/** A `fetch` that notes what comes over the wire, too. */
function notingFetch(): { fetch: typeof fetch; seen: () => string } {
  let seen = ''
  return {
    seen: () => seen,
    async fetch(input, init) {
      const response = await fetch(input, init)
      const decoder = new TextDecoder()
      const note = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          seen += decoder.decode(chunk, { stream: true })
          controller.enqueue(chunk)
        },
      })
      return new Response(response.body?.pipeThrough(note), response)
    },
  }
}

describeOwn('answers that are long in coming', () => {
  let own: OwnTarget
  beforeAll(async () => {
    own = await openOwnTarget({ engine: { prefillOverheadMs: PREFILL_MS } }, LIMITS)
  })
  afterEach(() => Object.values(own.mesh.engines).forEach((engine) => engine.clearFaults()))
  afterAll(() => own.stop())

  const hangAll = () =>
    Object.values(own.mesh.engines).forEach((engine) => engine.setFaults({ stall_after_tokens: 0 }))
  const aiProvider = (through: typeof fetch = fetch) =>
    createOpenAICompatible({
      name: 'warmpath',
      baseURL: `${own.url}/v1`,
      apiKey: own.key,
      includeUsage: true,
      fetch: through,
    })

  function expectComments(text: string): void {
    expect(text.startsWith(COMMENT + COMMENT)).toBe(true)
    expect(text).not.toMatch(/^id:/m)
  }

  describe('the OpenAI SDK', () => {
    test.each(PATHS)('gives the chunks of a chat and no comment (%s)', async (_path, headers) => {
      const { fetch, seen } = notingFetch()
      const content = anew('Tell me a story')
      const body = question(own, { content, temperature: 0 })
      const stream = await openAi(own, { fetch }).chat.completions.create(
        { ...body, stream: true, stream_options: { include_usage: true } },
        { headers },
      )
      const chunks = await collect(stream)
      expectComments(seen())
      expect(chunks.every(({ object }) => object === 'chat.completion.chunk')).toBe(true)
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 20 } })
      const whole = await openAi(own).chat.completions.create(body)
      expect(textOf(chunks)).toBe(whole.choices[0]?.message.content)
    })

    test('collects a whole answer with its stream helper', async () => {
      const { fetch, seen } = notingFetch()
      const runner = openAi(own, { fetch }).chat.completions.stream(question(own))
      const answer = await runner.finalChatCompletion()
      expectComments(seen())
      expect(answer.choices[0]).toMatchObject({ finish_reason: 'length' })
      expect(answer.choices[0]?.message.content).toMatch(/\w/)
    })

    test('gives the chunks of a completion and no comment', async () => {
      const { fetch, seen } = notingFetch()
      const body = { model: own.model, prompt: anew('Once'), max_tokens: 12, stream: true } as const
      const chunks = await collect(await openAi(own, { fetch }).completions.create(body))
      expectComments(seen())
      expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toMatch(/\w/)
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length')
    })

    test.each(PATHS)('raises in the stream what no status can say any more (%s)', async (_path, headers) => {
      hangAll()
      const { fetch, seen } = notingFetch()
      const body = question(own, { temperature: 0 })
      const stream = await openAi(own, { fetch }).chat.completions.create(
        { ...body, stream: true },
        { headers: { ...headers, 'x-mesh-residency': 'eu' } },
      )
      const failure: unknown = await collect(stream).catch((reason: unknown) => reason)
      expect(failure).toBeInstanceOf(APIError)
      expect(failure).toMatchObject({ code: 'pool_timeout', type: 'server_error' })
      expectComments(seen())
    })
  })

  describe('the AI SDK', () => {
    test.each(['chat', 'completions'])('gives the text of a stream over %s', async (surface) => {
      const { fetch, seen } = notingFetch()
      const from = aiProvider(fetch)
      const streamed = streamText({
        model: surface === 'chat' ? from.chatModel(own.model) : from.completionModel(own.model),
        prompt: anew('Tell me a story'),
        maxOutputTokens: 12,
      })
      expect((await collect(streamed.textStream)).join('')).toMatch(/\w/)
      expect(await streamed.finishReason).toBe('length')
      expect((await streamed.usage).outputTokens).toBe(12)
      expectComments(seen())
    })

    test.each(['chat', 'completions'])('has an error part when nobody answers over %s', async (surface) => {
      hangAll()
      const { fetch, seen } = notingFetch()
      const from = aiProvider(fetch)
      const { fullStream } = streamText({
        model: surface === 'chat' ? from.chatModel(own.model) : from.completionModel(own.model),
        prompt: anew('Nobody'),
        headers: { 'x-mesh-residency': 'eu' },
        onError: () => undefined,
      })
      const parts = await collect(fullStream)
      expect(parts.filter(({ type }) => type === 'error')).toHaveLength(1)
      expect(parts.filter(({ type }) => type === 'text-delta')).toHaveLength(0)
      expectComments(seen())
    })
  })
})
