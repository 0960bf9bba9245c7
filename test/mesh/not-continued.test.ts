/** Which answers are neither cut nor continued: by their kind, or since their tenant does not wish it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from '../support/answer.ts'
import { KEYS, sha256 } from '../support/mesh-config.ts'
import { said, startOneEngine, tokensOf, type OneEngineMesh } from '../support/one-engine.ts'

const MORE_KEYS = {
  unstitched: 'sk-mesh-unstitched-0123456789abcdefghijABCDEFGHIJ',
  never: 'sk-mesh-never-0123456789abcdefghijABCDEFGHIJ',
  always: 'sk-mesh-always-0123456789abcdefghijABCDEFGHIJ',
  sampled: 'sk-mesh-sampled-0123456789abcdefghijABCDEFGHIJ',
} as const
const STREAM = { stream: true, stream_options: { include_usage: true } }
const FORMS = [
  ['JSON', {}],
  ['streams', STREAM],
] as const
const WAIT = { timeout: 20_000, interval: 20 }

let one: OneEngineMesh
beforeAll(async () => {
  one = await startOneEngine({
    changes: {
      tenants: [
        { id: 'demo', ...anywhere(KEYS.demo) },
        { id: 'unstitched', ...anywhere(MORE_KEYS.unstitched), cache: { stitched: false } },
        { id: 'never', ...anywhere(MORE_KEYS.never), continuation: 'off' },
        { id: 'always', ...anywhere(MORE_KEYS.always), cache: { mode: 'always' }, continuation: 'always' },
        { id: 'sampled', ...anywhere(MORE_KEYS.sampled), cache: { mode: 'always' } },
      ],
      limits: { quarantine_ms: 1 },
    },
  })
})
afterAll(() => one.mesh.stop())
beforeEach(() => one.engine.clearFaults())

function anywhere(key: string) {
  return { floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(key) }] }
}

describe('of what a pool cannot go on with', () => {
  const TOOL = {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  }
  const SCHEMA = {
    type: 'json_schema',
    json_schema: { name: 'city', schema: { type: 'object', properties: { city: { type: 'string' } } } },
  }
  const FORCED = { tools: [TOOL], tool_choice: { type: 'function', function: { name: 'weather' } } }

  test.each([
    ['a tool call', FORCED, ['miss', 'miss', 'miss']],
    ['tools that are not called', { tools: [TOOL], tool_choice: 'none' }, ['miss', 'miss', 'miss']],
    ['a JSON schema', { response_format: SCHEMA }, ['miss', 'miss', 'miss']],
    ['a JSON object', { response_format: { type: 'json_object' } }, ['miss', 'miss', 'miss']],
    ['two choices', { n: 2 }, ['miss', 'miss', 'miss']],
    ['a least number of tokens', { min_tokens: 1 }, ['miss', 'miss', 'miss']],
    ['a presence penalty', { presence_penalty: 0.5 }, ['miss', 'miss', 'miss']],
    // Each token has its own, so that fewer tokens have fewer of them.
    ['log probabilities', { logprobs: true, top_logprobs: 2 }, ['miss', 'miss', 'hit']],
  ])('%s nothing is extended, and only what can be is cut', async (_name, body, expected) => {
    const prompt = one.fresh()
    const words: unknown[] = []
    for (const limit of [2, 3, 1]) {
      const fields = { max_tokens: limit, ...body }
      const [answer, whole] = [await choicesOf(prompt, fields, 'on'), await choicesOf(prompt, fields, 'off')]
      words.push(answer.word)
      expect(answer.choices).toEqual(whole.choices)
    }
    expect(words).toEqual(expected)
  })

  async function choicesOf(prompt: string, body: object, cache: string) {
    const response = await one.send(prompt, body, { cache })
    expect(response.status).toBe(200)
    const { choices } = (await response.json()) as { choices: readonly object[] }
    // A call's id is made up by the pool, another one each time; and an end that a limit made has no stop that did.
    const text = JSON.stringify(choices)
      .replaceAll(/"(chatcmpl-tool|call)[-_\w]+"/g, '"id"')
      .replaceAll(',"stop_reason":null', '')
    return { word: response.headers.get('x-mesh-cache'), choices: JSON.parse(text) as unknown }
  }
})

describe('a stop sequence', () => {
  /** A prompt, and what stands on both sides of the end of the first `tokens` tokens of its answer, and not before. */
  async function across(tokens: number): Promise<{ prompt: string; body: object }> {
    for (;;) {
      const prompt = one.fresh()
      const short = await one.uninterrupted(prompt, { max_tokens: tokens, ignore_eos: true })
      const long = await one.uninterrupted(prompt, { max_tokens: tokens + 20, ignore_eos: true })
      const at = short.text.length
      const body = { ignore_eos: true, stop: [long.text.slice(at - 2, at + 3)] }
      if ((await one.uninterrupted(prompt, { ...body, max_tokens: tokens })).finish === 'length')
        return { prompt, body }
    }
  }

  // One engine alone finds it: of what another wrote it knows nothing.
  test.each(FORMS)(
    'across the end of a shorter answer is found in a longer one, for %s',
    async (_form, form) => {
      for (const tokens of [8, 9, 10, 11, 12]) {
        const { prompt, body } = await across(tokens)
        const short = await one.ask(prompt, { ...body, max_tokens: tokens, ...form })
        const long = await one.ask(prompt, { ...body, max_tokens: 40, ...form })
        const expected = await one.uninterrupted(prompt, { ...body, max_tokens: 40 })
        expect([tokens, short.word, long.word, said(long)]).toEqual([tokens, 'miss', 'miss', said(expected)])
      }
    },
  )

  test.each(FORMS)(
    'is not looked for in halves: a pool that dies is an error, for %s',
    async (_form, form) => {
      const { prompt, body: fields } = await across(12)
      const body = { ...fields, max_tokens: 40 }
      one.engine.setFaults({ die_after_tokens: 11, times: 1 })
      const answer = await one.ask(prompt, { ...body, ...form })
      expect([answer.error, answer.finish]).toEqual(['stream_truncated', null])
      await expect.poll(async () => (await one.ask(prompt, body)).status, WAIT).toBe(200)
      expect(said(await one.ask(prompt, body))).toEqual(said(await one.uninterrupted(prompt, body)))
    },
  )
})

describe('a tenant', () => {
  const STORY = { max_tokens: 30, ignore_eos: true }

  test('that takes nothing stitched has what two pools made made again by one', async () => {
    for (const [name, expected] of [
      ['unstitched', ['miss', 'miss', 'hit']],
      ['demo', ['miss', 'hit', 'hit']],
    ] as const) {
      const key = { ...KEYS, ...MORE_KEYS }[name]
      const prompt = one.fresh()
      const answers: Answer[] = []
      one.engine.setFaults({ die_after_tokens: 9, times: 1 })
      for (let number = 0; number < 3; number += 1) answers.push(await one.ask(prompt, STORY, { key }))
      expect([name, answers.map(({ word }) => word)]).toEqual([name, expected])
      const whole = said(await one.uninterrupted(prompt, STORY))
      for (const answer of answers) expect(said(answer)).toEqual(whole)
      const status = answers.at(-1)?.headers.get('cache-status')
      expect(status?.includes('detail=stitched')).toBe(name === 'demo')
    }
  })

  test('that wants no answer continued gets none: a death is an error, a longer answer a new one', async () => {
    const key = MORE_KEYS.never
    const prompt = one.fresh()
    const words: unknown[] = []
    for (const limit of [10, 20, 5]) {
      const before = one.made()
      const answer = await one.ask(prompt, { ...STORY, max_tokens: limit }, { key })
      words.push([answer.word, one.since(before).tokens])
      expect(said(answer)).toEqual(said(await one.uninterrupted(prompt, { ...STORY, max_tokens: limit })))
    }
    expect(words).toEqual([
      ['miss', 10],
      ['miss', 20],
      ['hit', 0],
    ])
    one.engine.setFaults({ die_after_tokens: 9, times: 1 })
    const cut = await one.ask(one.fresh(), { ...STORY, ...STREAM }, { key })
    expect([cut.error, cut.finish]).toEqual(['stream_truncated', null])
  })

  test('that wants all continued has a sampled answer go on, and only that one', async () => {
    for (const [key, expected] of [
      [MORE_KEYS.always, 'extended'],
      [MORE_KEYS.sampled, 'miss'],
    ] as const) {
      const prompt = one.fresh()
      const sampled = { ...STORY, temperature: 1 }
      const ten = await one.ask(prompt, { ...sampled, max_tokens: 10 }, { key })
      const before = one.made()
      const thirty = await one.ask(prompt, sampled, { key })
      expect([ten.word, thirty.word]).toEqual(['miss', expected])
      expect(one.since(before).tokens).toBe(expected === 'extended' ? 20 : 30)
      if (expected === 'extended') expect(thirty.text.startsWith(ten.text)).toBe(true)
      expect(tokensOf(thirty)).toBe(30)
    }
  })
})
