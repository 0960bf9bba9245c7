/** A pool that dies, or stalls, in the middle of an answer is followed by another: what the client gets is one answer. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { askFor, type Answer } from '../support/answer.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const TOKENS = 200
const STORY = { temperature: 0, max_tokens: TOKENS, ignore_eos: true }
const STREAM = { stream: true, stream_options: { include_usage: true } }
/** The same question, made by the isolate itself and by a shard. */
const PATHS = [
  ['private', { 'x-mesh-cache': 'off' }],
  ['shared', { 'x-mesh-cache': 'refresh' }],
] as const
const TOOL = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}
const SCHEMA = {
  type: 'json_schema',
  json_schema: { name: 'city', schema: { type: 'object', properties: { city: { type: 'string' } } } },
}
interface Completion {
  readonly choices: readonly { readonly text: string; readonly finish_reason: string }[]
  readonly usage: unknown
}
/** One at a time, on two cores that other tests want too. */
const MANY_MS = 120_000

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) => aMeshConfig(urls, { limits: { idle_ms: 500, quarantine_ms: 1 } }),
  })
})
afterAll(() => mesh.stop())
beforeEach(() => {
  for (const engine of engines()) engine.clearFaults()
})

function engines() {
  return Object.values(mesh.engines)
}

function ask(body: object, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return askFor(mesh, 'FRA', 'Tell me a long story.', { body: { ...STORY, ...body }, headers })
}

/** What the first pool had cached it would have said at the end, to which it did not come. */
function counts(usage: unknown): unknown {
  const { prompt_tokens_details: _details, ...rest } = usage as Record<string, unknown>
  return rest
}

/** Faults for as many of the engines as there are, whichever of them is asked. */
function fail(...faults: readonly object[]): void {
  for (const [index, engine] of engines().entries()) {
    const fault = faults[index]
    if (fault === undefined) engine.clearFaults()
    else engine.setFaults(fault)
  }
}

describe.each(PATHS)('on the %s path', (_path, headers) => {
  let whole: Answer
  beforeAll(async () => {
    fail()
    whole = await ask({}, headers)
  })

  function expectWhole(answer: Answer, where: unknown): void {
    expect({ where, text: answer.text }).toEqual({ where, text: whole.text })
    expect([where, answer.status, answer.error, answer.finish]).toEqual([where, 200, undefined, 'length'])
    expect(counts(answer.usage)).toEqual(counts(whole.usage))
  }

  test('nothing fails without a fault', () => {
    expect([whole.status, whole.finish, whole.error]).toEqual([200, 'length', undefined])
    expect(whole.usage).toMatchObject({ completion_tokens: TOKENS })
    expect(whole.text.length).toBeGreaterThan(TOKENS)
  })

  test(
    'a pool that dies after any of its tokens is not missed',
    async () => {
      for (let after = 0; after <= TOKENS; after += 1) {
        fail({ die_after_tokens: after })
        expectWhole(await ask(after % 4 === 0 ? {} : STREAM, headers), after)
      }
    },
    MANY_MS,
  )

  test(
    'nor is one that stalls',
    async () => {
      for (let after = 1; after <= TOKENS; after += 33) {
        fail({ stall_after_tokens: after })
        expectWhole(await ask(STREAM, headers), after)
      }
    },
    MANY_MS,
  )

  test('two that die in turn end it, with an error and never as if it were whole', async () => {
    fail({ die_after_tokens: 20 }, { die_after_tokens: 30 }, { die_after_tokens: 40 })
    const answer = await ask(STREAM, headers)
    expect([answer.status, answer.error, answer.finish]).toEqual([200, 'stream_truncated', null])
    expect(whole.text.startsWith(answer.text)).toBe(true)
    expect(answer.text.length).toBeGreaterThan(100)
  })

  test('a pool that refuses to go on is passed over', async () => {
    fail({ die_after_tokens: 50 }, { status: 500 })
    expectWhole(await ask(STREAM, headers), 'after a refusal')
  })

  test('a completion goes on as a chat does', async () => {
    const body = { prompt: 'Once upon a time', model: 'story', ...STORY }
    const complete = async () => {
      const response = await mesh.fetch('FRA', '/v1/completions', {
        method: 'POST',
        headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      const { choices, usage } = (await response.json()) as Completion
      return { text: choices[0]?.text, finish: choices[0]?.finish_reason, usage: counts(usage) }
    }
    const first = await complete()
    for (const after of [1, 77, 199]) {
      fail({ die_after_tokens: after })
      expect(await complete()).toEqual(first)
    }
  })

  test.each([
    ['a tool call', { tools: [TOOL], tool_choice: { type: 'function', function: { name: 'weather' } } }],
    ['a JSON schema', { response_format: SCHEMA }],
    ['log probabilities', { logprobs: true }],
    ['two choices', { n: 2 }],
    ['a presence penalty', { presence_penalty: 0.5 }],
  ])('%s in flight is not continued: an error, never a clean end', async (_name, body) => {
    fail({ die_after_tokens: 1 }, { die_after_tokens: 1 }, { die_after_tokens: 1 })
    const answer = await ask({ ...STREAM, max_tokens: 60, ...body }, headers)
    expect([answer.status, answer.error, answer.finish]).toEqual([200, 'stream_truncated', null])
  })

  test('nor is a sampled one', async () => {
    fail({ die_after_tokens: 6 }, { die_after_tokens: 6 }, { die_after_tokens: 6 })
    const answer = await ask({ ...STREAM, temperature: 1 }, headers)
    expect([answer.error, answer.finish]).toEqual(['stream_truncated', null])
  })
})
