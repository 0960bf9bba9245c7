/** The mesh as the AI SDK sees it, through its adapter for OpenAI-compatible servers. */
import { createOpenAICompatible, type OpenAICompatibleProvider } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText } from 'ai'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { anew, collect } from './ask.ts'
import {
  describeOwn,
  openOwnTarget,
  openTarget,
  recordingFetch,
  type OwnTarget,
  type Target,
} from './target.ts'

// Its completions warn of a field that we never set.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

function provider(at: Target = target, settings: { apiKey?: string; fetch?: typeof fetch } = {}) {
  return createOpenAICompatible({
    name: 'warmpath',
    baseURL: `${at.url}/v1`,
    apiKey: at.key,
    includeUsage: true,
    ...settings,
  })
}

const SURFACES = [
  ['chat', (from: OpenAICompatibleProvider, model: string) => from.chatModel(model)],
  ['completions', (from: OpenAICompatibleProvider, model: string) => from.completionModel(model)],
] as const

test.each(SURFACES)('generateText over %s gives text, reason and counts', async (_surface, modelOf) => {
  const { text, finishReason, usage } = await generateText({
    model: modelOf(provider(), target.model),
    prompt: anew('Tell me a story'),
    maxOutputTokens: 12,
  })
  expect(text).toMatch(/\w/)
  expect(finishReason).toBe('length')
  expect(usage.outputTokens).toBe(12)
  expect(usage.inputTokens).toBeGreaterThan(0)
  expect(usage.totalTokens).toBe((usage.inputTokens ?? 0) + 12)
})

test.each(
  SURFACES.flatMap(([surface, modelOf]) => ['shared', 'private'].map((path) => ({ surface, path, modelOf }))),
)('streamText over $surface gives what generateText gives ($path)', async ({ path, modelOf }) => {
  const options = {
    model: modelOf(provider(), target.model),
    prompt: anew('Tell me a long story'),
    temperature: 0,
    maxOutputTokens: 300,
    ...(path === 'private' ? { headers: { 'x-mesh-cache': 'off' } } : {}),
  }
  const streamed = streamText(options)
  const deltas = await collect(streamed.textStream)
  const whole = await generateText(options)
  expect(deltas.length).toBeGreaterThan(5)
  expect(deltas.join('')).toBe(whole.text)
  expect(await streamed.finishReason).toBe(whole.finishReason)
  expect((await streamed.usage).outputTokens).toBe(whole.usage.outputTokens)
  expect((await streamed.usage).inputTokens).toBe(whole.usage.inputTokens)
})

test('a conversation with a system message and earlier turns is taken', async () => {
  const { text } = await generateText({
    model: provider()(target.model),
    instructions: 'Answer in one word.',
    messages: [
      { role: 'user', content: anew('Where is the lantern?') },
      { role: 'assistant', content: 'On the bridge.' },
      { role: 'user', content: [{ type: 'text', text: 'And the kettle?' }] },
    ],
    maxOutputTokens: 5,
  })
  expect(text).toMatch(/\w/)
})

test('answers carry the headers of the mesh', async () => {
  const { response } = await generateText({
    model: provider()(target.model),
    prompt: anew('Who are you?'),
    maxOutputTokens: 2,
  })
  expect(response.headers).toMatchObject({ 'x-request-id': expect.stringMatching(/^req_/) })
  expect(response.headers).toHaveProperty('x-mesh-pool')
  expect(response.modelId).toBe(target.model)
})

interface Ask {
  readonly at?: Target
  readonly apiKey?: string
  readonly model?: string
  readonly temperature?: number
  readonly headers?: Record<string, string>
  readonly maxRetries?: number
}

/** The error of a request that fails, and how many requests it took. */
async function failureOf({ at = target, apiKey, model, headers, temperature, maxRetries = 2 }: Ask) {
  const recorded = recordingFetch()
  const from = provider(at, { fetch: recorded.fetch, ...(apiKey === undefined ? {} : { apiKey }) })
  const failure: unknown = await generateText({
    model: from(model ?? at.model),
    prompt: anew('Fail'),
    maxRetries,
    ...(temperature === undefined ? {} : { temperature }),
    ...(headers === undefined ? {} : { headers }),
  }).catch((error: unknown) => error)
  return { failure, exchanges: recorded.exchanges }
}

test.each([
  {
    what: 'a wrong key',
    ask: { apiKey: 'sk-mesh-demo-wrong' },
    statusCode: 401,
    message: /key is not valid/,
  },
  { what: 'an unknown model', ask: { model: 'gone' }, statusCode: 404, message: /model does not exist/ },
  {
    what: 'a residency that leaves no pool',
    ask: { headers: { 'x-mesh-residency': 'nowhere' } },
    statusCode: 403,
    message: /residency/,
  },
  { what: 'a value out of bounds', ask: { temperature: 9 }, statusCode: 400, message: /'temperature'/ },
])('$what is an APICallError with our sentence, sent once', async ({ ask, statusCode, message }) => {
  const { failure, exchanges } = await failureOf(ask)
  expect(APICallError.isInstance(failure)).toBe(true)
  expect(failure).toMatchObject({ statusCode, isRetryable: false, message: expect.stringMatching(message) })
  expect(exchanges).toHaveLength(1)
})

describeOwn('the AI SDK and pools that fail', () => {
  let own: OwnTarget
  beforeEach(async () => {
    own = await openOwnTarget({ engine: { interTokenLatencyMs: 10 } }, { idle_ms: 1000 })
  })
  afterEach(() => own.stop())

  const engines = () => Object.values(own.mesh.engines)

  test('no pool is an error that the SDK retries after the time it was told', async () => {
    engines().forEach((engine) => engine.setFaults({ status: 503, times: 1 }))
    const recorded = recordingFetch()
    const { text } = await generateText({
      model: provider(own, { fetch: recorded.fetch })(own.model),
      prompt: anew('Try again'),
      maxOutputTokens: 4,
      maxRetries: 1,
    })
    expect(text).toMatch(/\w/)
    expect(recorded.exchanges.map(({ status }) => status)).toEqual([503, 200])
    const [first, second] = recorded.exchanges
    expect((second?.sentAtMs ?? 0) - (first?.sentAtMs ?? 0)).toBeGreaterThan(950)
  })

  test.each([
    ['chat', 'cut', { die_after_tokens: 4 }],
    ['chat', 'stalled', { stall_after_tokens: 4 }],
    ['completions', 'cut', { die_after_tokens: 4 }],
  ] as const)(
    'a stream over %s that was %s has an error part and no good end',
    async (surface, _how, fault) => {
      engines().forEach((engine) => engine.setFaults(fault))
      const from = provider(own)
      const errors: unknown[] = []
      const { fullStream } = streamText({
        model: surface === 'chat' ? from.chatModel(own.model) : from.completionModel(own.model),
        prompt: anew('Break off'),
        maxOutputTokens: 50,
        onError: ({ error }) => void errors.push(error),
      })
      const parts = await collect(fullStream)
      expect(parts.filter(({ type }) => type === 'text-delta').length).toBeGreaterThan(0)
      expect(parts.filter(({ type }) => type === 'error')).toHaveLength(1)
      expect(errors).toHaveLength(1)
      const reasons = parts.flatMap((part) => (part.type === 'finish' ? [part.finishReason] : []))
      expect(reasons).not.toContain('stop')
      expect(reasons).not.toContain('length')
    },
  )

  test('abort of a stream stops the pool', async () => {
    const controller = new AbortController()
    const { fullStream } = streamText({
      model: provider(own)(own.model),
      prompt: anew('On and on'),
      maxOutputTokens: 5000,
      providerOptions: { warmpath: { min_tokens: 5000 } },
      abortSignal: controller.signal,
    })
    const types: string[] = []
    for await (const { type } of fullStream) {
      types.push(type)
      if (type === 'text-delta') controller.abort()
    }
    expect(types.at(-1)).toBe('abort')
    await vi.waitFor(
      () => {
        const stats = engines().map((engine) => engine.stats())
        expect(stats.reduce((sum, { aborted }) => sum + aborted, 0)).toBe(1)
        expect(stats.reduce((sum, { running }) => sum + running, 0)).toBe(0)
      },
      { timeout: 10_000, interval: 20 },
    )
  })
})
