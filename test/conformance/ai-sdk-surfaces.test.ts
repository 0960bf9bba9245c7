/** Tools and structured outputs as the AI SDK asks for them, through its adapter for OpenAI-compatible servers. */
import { createOpenAICompatible, type OpenAICompatibleProviderSettings } from '@ai-sdk/openai-compatible'
import {
  generateObject,
  generateText,
  NoObjectGeneratedError,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from 'ai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { anew, collect } from './ask.ts'
import {
  describeOwn,
  openOwnTarget,
  openTarget,
  recordingFetch,
  type OwnTarget,
  type Target,
} from './target.ts'
import { ASKING, Place } from './weather.ts'

// It warns of `generateObject`, which is old but in use, and of schemas that a server may not know.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

type Settings = Partial<OpenAICompatibleProviderSettings>

/** One that sends schemas on, unless told otherwise, and retries nothing that the tests do not see. */
function modelAt(at: Target, settings: Settings = {}) {
  const provider = createOpenAICompatible({
    name: 'warmpath',
    baseURL: `${at.url}/v1`,
    apiKey: at.key,
    includeUsage: true,
    supportsStructuredOutputs: true,
    ...settings,
  })
  return provider(at.model)
}

const cacheWords = ({ exchanges }: ReturnType<typeof recordingFetch>) =>
  exchanges.map(({ headers }) => headers.get('x-mesh-cache'))

const Journey = z.strictObject({
  title: z.string().max(60),
  nights: z.int().min(1).max(30),
  stops: z
    .array(z.strictObject({ place: z.string().max(40), isSunny: z.boolean() }))
    .min(1)
    .max(4),
})

function weatherTool(called: unknown[] = []) {
  return tool({
    description: 'The forecast for a city.',
    inputSchema: Place,
    execute: (place) => {
      called.push(place)
      return { rain: true }
    },
  })
}

function calling() {
  const forced = { type: 'tool', toolName: 'weather' } as const
  return { prompt: anew('What will the weather be?'), temperature: 0, toolChoice: forced }
}

test('generateText gives the call that was forced, checked and run', async () => {
  const called: unknown[] = []
  const tools = { weather: weatherTool(called) }
  const result = await generateText({ model: modelAt(target), ...calling(), tools })
  expect(result.finishReason).toBe('tool-calls')
  expect(result.text).toBe('')
  expect(result.toolCalls).toMatchObject([
    { toolName: 'weather', toolCallId: expect.stringMatching(/./), input: called[0] },
  ])
  expect(Place.safeParse(called[0]).error).toBeUndefined()
  expect(called).toHaveLength(1)
  expect(result.toolResults).toMatchObject([{ toolName: 'weather', output: { rain: true } }])
  expect(result.usage.outputTokens).toBeGreaterThan(5)
})

test('streamText tells of the call as it grows, and a hit is the same call for every way of asking', async () => {
  const recorded = recordingFetch()
  const asked = {
    model: modelAt(target, { fetch: recorded.fetch }),
    ...calling(),
    tools: { weather: weatherTool() },
  }
  const first = streamText(asked)
  const parts = await collect(first.fullStream)
  const starts = parts.flatMap((part) => (part.type === 'tool-input-start' ? [part] : []))
  const deltas = parts.flatMap((part) => (part.type === 'tool-input-delta' ? [part.delta] : []))
  const calls = parts.flatMap((part) => (part.type === 'tool-call' ? [part] : []))
  expect(starts).toMatchObject([{ toolName: 'weather', id: calls[0]?.toolCallId }])
  expect(deltas.length).toBeGreaterThan(3)
  expect(calls).toHaveLength(1)
  expect(calls[0]?.input).toEqual(JSON.parse(deltas.join('')))
  expect(await first.finishReason).toBe('tool-calls')
  expect(parts.filter(({ type }) => type === 'error')).toEqual([])

  const second = streamText(asked)
  const again = await collect(second.fullStream)
  const whole = await generateText(asked)
  expect(cacheWords(recorded)).toEqual(['miss', 'hit', 'hit'])
  expect(again.flatMap((part) => (part.type === 'tool-input-delta' ? [part.delta] : []))).toEqual(deltas)
  expect(whole.toolCalls).toMatchObject([{ toolCallId: calls[0]?.toolCallId, input: calls[0]?.input }])
  const tokens = (await first.usage).outputTokens
  expect([(await second.usage).outputTokens, whole.usage.outputTokens]).toEqual([tokens, tokens])
})

test.each(['generateText', 'streamText'])('%s runs the tool and goes on to a text', async (which) => {
  const called: unknown[] = []
  const asked = {
    model: modelAt(target),
    prompt: anew(ASKING),
    temperature: 0,
    maxOutputTokens: 400,
    tools: { weather: weatherTool(called) },
    stopWhen: stepCountIs(4),
  }
  const streamed = which === 'streamText' ? streamText(asked) : undefined
  if (streamed !== undefined) await streamed.consumeStream()
  const { text, steps, finishReason } = streamed ?? (await generateText(asked))
  expect(called).toHaveLength(1)
  expect((await steps).map(({ finishReason: reason }) => reason)).toEqual(['tool-calls', 'stop'])
  expect(await text).toMatch(/\w/)
  expect(await finishReason).toBe('stop')
})

test('a call that the token limit cuts is no call', async () => {
  const called: unknown[] = []
  const tools = { weather: weatherTool(called) }
  const asked = { model: modelAt(target), ...calling(), tools, maxOutputTokens: 4 }
  const { finishReason, usage } = await generateText(asked)
  expect(finishReason).toBe('length')
  expect(usage.outputTokens).toBe(4)
  const streamed = streamText(asked)
  await streamed.consumeStream()
  expect(await streamed.finishReason).toBe('length')
  expect(called).toEqual([])
})

test('an output by schema is the object itself, whole and streamed, also from the cache', async () => {
  const recorded = recordingFetch()
  const asked = {
    model: modelAt(target, { fetch: recorded.fetch }),
    prompt: anew('Plan a journey.'),
    temperature: 0,
    output: Output.object({ schema: Journey }),
  }
  const { output, finishReason } = await generateText(asked)
  expect(Journey.safeParse(output).error).toBeUndefined()
  expect(finishReason).toBe('stop')
  const streamed = streamText(asked)
  const partial = await collect(streamed.partialOutputStream)
  expect(partial.length).toBeGreaterThan(3)
  expect(partial.at(-1)).toEqual(output)
  expect(await streamed.output).toEqual(output)
  expect(cacheWords(recorded)).toEqual(['miss', 'hit'])
})

test('generateObject and streamObject give the same object', async () => {
  const recorded = recordingFetch()
  const asked = {
    model: modelAt(target, { fetch: recorded.fetch }),
    prompt: anew('Plan a journey.'),
    temperature: 0,
    schema: Journey,
  }
  const streamed = streamObject(asked)
  const partial = await collect(streamed.partialObjectStream)
  const { object, usage } = await generateObject(asked)
  expect(Journey.safeParse(object).error).toBeUndefined()
  expect(partial.length).toBeGreaterThan(3)
  expect(partial.at(-1)).toEqual(object)
  expect(await streamed.object).toEqual(object)
  expect((await streamed.usage).outputTokens).toBe(usage.outputTokens)
  expect(cacheWords(recorded)).toEqual(['miss', 'hit'])
})

test('lists and choices by schema are taken too', async () => {
  const common = { model: modelAt(target), temperature: 0 }
  const Element = z.strictObject({ place: z.string().max(40) })
  const list = await generateText({
    ...common,
    prompt: anew('Name places.'),
    output: Output.array({ element: Element }),
  })
  expect(z.array(Element).safeParse(list.output).error).toBeUndefined()
  const choice = await generateText({
    ...common,
    prompt: anew('Rain or sun?'),
    output: Output.choice({ options: ['rain', 'sun'] }),
  })
  expect(['rain', 'sun']).toContain(choice.output)
})

test('a provider without schemas gets JSON mode', async () => {
  const bodies: unknown[] = []
  const noting: typeof fetch = (input, init) => {
    bodies.push(JSON.parse(typeof init?.body === 'string' ? init.body : 'null'))
    return fetch(input, init)
  }
  const { output } = await generateText({
    model: modelAt(target, { supportsStructuredOutputs: false, fetch: noting }),
    prompt: anew('Give me JSON.'),
    temperature: 0,
    output: Output.json(),
  })
  expect(bodies).toMatchObject([{ response_format: { type: 'json_object' } }])
  expect(z.record(z.string(), z.unknown()).safeParse(output).error).toBeUndefined()
})

test('JSON that the token limit cuts is no object', async () => {
  const asked = {
    model: modelAt(target),
    prompt: anew('Plan a journey.'),
    temperature: 0,
    maxOutputTokens: 5,
    maxRetries: 0,
    schema: Journey,
  }
  const failure: unknown = await generateObject(asked).catch((error: unknown) => error)
  expect(NoObjectGeneratedError.isInstance(failure)).toBe(true)
  expect(failure).toMatchObject({ finishReason: 'length', usage: { outputTokens: 5 } })
})

describeOwn('the AI SDK and a pool that dies within its answer', () => {
  let own: OwnTarget
  beforeAll(async () => {
    own = await openOwnTarget({ engine: { interTokenLatencyMs: 5 } })
    const engines = Object.values(own.mesh.engines)
    engines.forEach((engine) => engine.setFaults({ die_after_tokens: 5 }))
  })
  afterAll(() => own.stop())

  test('a call that broke off is an error part and is not run', async () => {
    const called: unknown[] = []
    const tools = { weather: weatherTool(called) }
    const result = streamText({ model: modelAt(own), ...calling(), tools, onError: () => undefined })
    const parts = await collect(result.fullStream)
    expect(parts.filter(({ type }) => type === 'tool-input-delta').length).toBeGreaterThan(0)
    expect(parts.filter(({ type }) => type === 'error')).toHaveLength(1)
    // At the end of every stream the SDK gives what there is of a call, here as one that cannot be read.
    expect(parts.filter((part) => part.type === 'tool-call' && part.invalid !== true)).toEqual([])
    expect(await result.finishReason).toBe('error')
    expect(called).toEqual([])
  })

  test('an object that broke off is an error part and is not given', async () => {
    const result = streamText({
      model: modelAt(own),
      prompt: anew('Plan a journey.'),
      temperature: 0,
      output: Output.object({ schema: Journey }),
      onError: () => undefined,
    })
    const parts = await collect(result.fullStream)
    expect(parts.filter(({ type }) => type === 'text-delta').length).toBeGreaterThan(0)
    expect(parts.filter(({ type }) => type === 'error')).toHaveLength(1)
    await expect(result.output).rejects.toThrow()
  })
})
