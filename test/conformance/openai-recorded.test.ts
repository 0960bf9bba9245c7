/** What other servers write than the simulated engine: parallel calls, refusals, choices that end out of turn. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText, tool } from 'ai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { aMeshConfig } from '../support/mesh-config.ts'
import { beginStream, startScriptedPools, type ScriptedPools } from '../support/scripted-pool.ts'
import { anew, question } from './ask.ts'
import { PAIRS, WAYS } from './both-ways.ts'
import { COMPLETE, completion } from './completions-both-ways.ts'
import { describeOwn, openOwnTarget, type OwnTarget } from './target.ts'

const call = (id: string, name: string, text: string) => ({ id, type: 'function', name, arguments: text })
const choice = { index: 0, content: null, refusal: null, calls: [], logprobs: null }
const chance = (token: string, logprob: number) => ({ token, logprob, bytes: [...Buffer.from(token)] })

/** By the name of the file that holds what the pool writes; that is the model's name too. */
const CHATS = {
  'vllm-chat-tools': [
    {
      ...choice,
      finish: 'tool_calls',
      calls: [
        call('chatcmpl-tool-1a2b', 'get_weather', '{"city": "Köln"}'),
        call('chatcmpl-tool-3c4d', 'get_time', '{}'),
      ],
    },
  ],
  'openai-chat-tools': [
    {
      ...choice,
      finish: 'tool_calls',
      // Their arguments come by turns.
      calls: [call('call_a1', 'find', '{"q":1}'), call('call_b2', 'read', '{}')],
    },
  ],
  // Written without numbers, which some clients cannot read.
  'openai-chat-tools-null-index': [
    { ...choice, finish: 'tool_calls', calls: [call('c1', 'find', '{"q":1}'), call('c2', 'read', '{}')] },
  ],
  'llamacpp-chat-tools': [
    { ...choice, finish: 'tool_calls', calls: [call('k3JvQ0XlR2', 'get_weather', '{"city":"Bonn"}')] },
  ],
  'vllm-chat-n2': [
    { ...choice, finish: 'length', content: 'AB' },
    { ...choice, index: 1, finish: 'stop', content: 'CD' },
  ],
  'llamacpp-chat-n2': [
    { ...choice, finish: 'length', content: 'up' },
    { ...choice, index: 1, finish: 'length', content: 'down' },
  ],
  'vllm-chat-logprobs': [
    {
      ...choice,
      finish: 'stop',
      content: 'Yes!',
      logprobs: {
        content: [
          { ...chance('Yes', -0.015625), top_logprobs: [chance('Yes', -0.015625), chance('x', -9999)] },
          { ...chance('!', -1.5), top_logprobs: [chance('!', -1.5), chance('x', -9999)] },
        ],
      },
    },
  ],
  'openai-chat-refusal': [
    {
      ...choice,
      finish: 'stop',
      refusal: 'I cannot help.',
      logprobs: {
        content: null,
        refusal: [
          { token: 'I cannot', logprob: -0.5, bytes: null, top_logprobs: [] },
          { token: ' help.', logprob: -0.25, bytes: null, top_logprobs: [] },
        ],
      },
    },
  ],
} as const

const FIXTURES = path.join(import.meta.dirname, '../fixtures/pools')
const COMPLETION = 'openai-completions'
const FILES = [...Object.keys(CHATS), COMPLETION]

describeOwn('answers as other servers write them', () => {
  let pools: ScriptedPools
  let own: OwnTarget
  beforeAll(async () => {
    pools = await startScriptedPools(Object.fromEntries(FILES.map((file) => [file, writer(file)])))
    own = await openOwnTarget({ config: () => configOf(pools) })
  })
  afterAll(async () => {
    await own.stop()
    await pools.stop()
  })

  const asking = (model: string) => {
    const n = model.endsWith('n2') ? 2 : null
    return question(own, { model, content: anew('Write as you do'), temperature: 0, n })
  }

  const EVERY_WAY = Object.entries(CHATS).flatMap(([file, choices]) =>
    PAIRS.map(([first, second]) => ({ file, choices, first, second })),
  )
  test.each(EVERY_WAY)('$file made $first is found $second', async ({ file, choices, first, second }) => {
    const body = asking(file)
    const made = await WAYS[first](own, body)
    const found = await WAYS[second](own, body)
    expect([made.cache, found.cache]).toEqual(['miss', 'hit'])
    expect(made.choices).toEqual(choices)
    expect(found.choices).toEqual(choices)
    expect(found.usage).toEqual(made.usage)
    expect(pools.asked(file)).toBeGreaterThan(0)
  })

  test.each(PAIRS)('a completion with log probabilities made %s is found %s', async (first, second) => {
    const body = { ...completion(own, { temperature: 0, logprobs: 1 }), model: COMPLETION }
    const made = await COMPLETE[first](own, body)
    expect(made).toMatchObject({
      choices: [
        {
          text: 'one two',
          finishes: ['length'],
          logprobs: {
            tokens: ['one', ' two'],
            token_logprobs: [-0.5, -0.125],
            top_logprobs: [{ one: -0.5 }, { ' two': -0.125 }],
            text_offset: [0, 3],
          },
        },
      ],
      cache: 'miss',
    })
    expect(await COMPLETE[second](own, body)).toEqual({ ...made, cache: 'hit' })
  })

  test('parallel calls are told apart by the AI SDK', async () => {
    const provider = createOpenAICompatible({ name: 'warmpath', baseURL: `${own.url}/v1`, apiKey: own.key })
    const anything = tool({ inputSchema: z.looseObject({}), execute: () => 'done' })
    const streamed = streamText({
      model: provider('openai-chat-tools'),
      prompt: anew('Write as you do'),
      tools: { find: anything, read: anything },
    })
    await streamed.consumeStream()
    expect(await streamed.toolCalls).toMatchObject([
      { toolCallId: 'call_a1', toolName: 'find', input: { q: 1 } },
      { toolCallId: 'call_b2', toolName: 'read', input: {} },
    ])
  })
})

function writer(file: string) {
  const text = readFileSync(path.join(FIXTURES, `${file}.sse`), 'utf8')
  return (response: Parameters<typeof beginStream>[0]) => {
    beginStream(response)
    response.end(text)
  }
}

function configOf(pools: ScriptedPools) {
  return aMeshConfig(
    {},
    {
      pools: FILES.map((file) => ({
        id: file,
        region: 'eu-central',
        dialect: file.slice(0, file.indexOf('-')),
        shared_prefix: true,
        url: `${pools.url(file)}/v1`,
        models: [{ model: file, served: 'story-8b' }],
      })),
      models: FILES.map((id) => ({ id, context_length: 32_768 })),
    },
  )
}
