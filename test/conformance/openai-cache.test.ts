/** An answer made once is the same answer for everyone after, whichever way it was made and is asked for. */
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { KEYS } from '../support/mesh-config.ts'
import { collect, question, textOf, type Fields } from './ask.ts'
import { describeOwn, openAi, openOwnTarget, openTarget, type OwnTarget, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

interface Asked {
  readonly text: string
  readonly finish: string | null | undefined
  readonly id: string
  readonly headers: Headers
  readonly chunks: readonly ChatCompletionChunk[]
}

type Body = ReturnType<typeof question>

async function askStreamed(body: Body, headers = {}, at = target): Promise<Asked> {
  const { data, response } = await openAi(at)
    .chat.completions.create({ ...body, stream: true }, { headers })
    .withResponse()
  const chunks = await collect(data)
  const finish = chunks.map(({ choices }) => choices[0]?.finish_reason).findLast(Boolean)
  return { text: textOf(chunks), finish, id: chunks[0]?.id ?? '', headers: response.headers, chunks }
}

async function askWhole(body: Body, headers = {}, at = target): Promise<Asked> {
  const { data, response } = await openAi(at).chat.completions.create(body, { headers }).withResponse()
  const [choice] = data.choices
  return {
    text: choice?.message.content ?? '',
    finish: choice?.finish_reason,
    id: data.id,
    headers: response.headers,
    chunks: [],
  }
}

const deterministic = (fields: Fields = {}) => question(target, { temperature: 0, max_tokens: 40, ...fields })
const WAYS = { streamed: askStreamed, 'not streamed': askWhole } as const

test.each([
  ['streamed', 'streamed'],
  ['streamed', 'not streamed'],
  ['not streamed', 'streamed'],
  ['not streamed', 'not streamed'],
] as const)('an answer made %s is found %s: same text, an id of its own', async (first, second) => {
  const body = deterministic()
  const made = await WAYS[first](body)
  const found = await WAYS[second](body)
  expect(made.headers.get('x-mesh-cache')).toBe('miss')
  expect(made.headers.get('age')).toBeNull()
  expect(found.headers.get('x-mesh-cache')).toBe('hit')
  expect(found.headers.get('cache-status')).toMatch(/hit/)
  expect(found.headers.get('age')).toMatch(/^\d+$/)
  expect(found.headers.get('x-mesh-pool')).toBe(made.headers.get('x-mesh-pool'))
  expect(found.headers.get('x-request-id')).not.toBe(made.headers.get('x-request-id'))
  expect(found.text).toBe(made.text)
  expect(found.text.length).toBeGreaterThan(40)
  expect(found.finish).toBe(made.finish)
  expect(found.id).not.toBe(made.id)
})

test('a stream from the cache comes in as many chunks as when it was made', async () => {
  const body = deterministic()
  const made = await askStreamed(body)
  const found = await askStreamed(body)
  const bare = ({ choices }: ChatCompletionChunk) => JSON.stringify(choices)
  expect(found.headers.get('x-mesh-cache')).toBe('hit')
  expect(found.chunks.length).toBeGreaterThan(5)
  expect(found.chunks.map(bare)).toEqual(made.chunks.map(bare))
  expect(new Set(found.chunks.map(({ id }) => id)).size).toBe(1)
})

test('who asks for usage gets it from the cache too, and who does not gets none', async () => {
  const body = deterministic()
  await askWhole(body)
  const wished = await askStreamed(question(target, { ...body, stream_options: { include_usage: true } }))
  const unwished = await askStreamed(body)
  expect(wished.headers.get('x-mesh-cache')).toBe('hit')
  expect(unwished.headers.get('x-mesh-cache')).toBe('hit')
  expect(wished.chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 40 } })
  expect(unwished.chunks.filter((chunk) => 'usage' in chunk)).toEqual([])
})

test('null, absent and default fields of no meaning find the same answer', async () => {
  const body = deterministic()
  await askWhole(body)
  for (const same of [
    { stop: null, seed: null },
    { user: 'someone', metadata: { trace: 'a' }, store: false },
    { stream: false },
  ]) {
    const found = await askWhole(question(target, { ...body, ...same }))
    expect(found.headers.get('x-mesh-cache'), JSON.stringify(same)).toBe('hit')
  }
})

test('the two names of the token limit find the same answer', async () => {
  const { max_tokens: limit, ...body } = deterministic()
  const made = await askWhole(question(target, { ...body, max_tokens: limit }))
  const found = await askWhole(question(target, { ...body, max_tokens: null, max_completion_tokens: limit }))
  expect(found.headers.get('x-mesh-cache')).toBe('hit')
  expect(found.text).toBe(made.text)
})

test.each([
  { what: 'another message', fields: { content: 'Something else' } },
  { what: 'another seed', fields: { seed: 5 } },
  { what: 'another penalty', fields: { presence_penalty: 1 } },
  { what: 'a stop string', fields: { stop: ['zzz'] } },
])('$what finds no answer to the first request', async ({ fields }) => {
  const { content, ...rest }: Fields = fields
  const body = deterministic()
  await askWhole(body)
  const messages =
    content === undefined ? body.messages : [...body.messages, { role: 'user' as const, content }]
  const other = await askWhole({ ...body, messages, ...rest })
  expect(other.headers.get('x-mesh-cache')).toBe('miss')
})

test('a smaller limit is cut from it', async () => {
  const body = deterministic()
  const whole = await askWhole(body)
  const cut = await askWhole({ ...body, max_tokens: 10 })
  expect(cut.headers.get('x-mesh-cache')).toBe('hit')
  expect(cut.finish).toBe('length')
  expect(cut.text.length).toBeLessThan(whole.text.length)
  expect(whole.text.startsWith(cut.text)).toBe(true)
})

test('a sampled answer is never kept', async () => {
  const body = question(target, { temperature: 1 })
  await askWhole(body)
  const again = await askWhole(body)
  expect(again.headers.get('x-mesh-cache')).toBe('bypass')
  expect(again.headers.get('age')).toBeNull()
})

test('the headers of a client narrow what the cache does for it', async () => {
  const body = deterministic()
  const outcome = async (headers = {}) => (await askWhole(body, headers)).headers.get('x-mesh-cache')
  expect(await outcome({ 'x-mesh-cache': 'off' })).toBe('bypass')
  expect(await outcome()).toBe('miss')
  expect(await outcome({ 'cache-control': 'no-cache' })).toBe('refresh')
  expect(await outcome({ 'x-mesh-cache': 'only' })).toBe('hit')
  expect(await outcome({ 'cache-control': 'no-store' })).toBe('bypass')
  expect(await outcome()).toBe('hit')
})

describeOwn('what the pools are spared', () => {
  let own: OwnTarget
  beforeAll(async () => {
    own = await openOwnTarget({ engine: { interTokenLatencyMs: 10 } })
  })
  afterAll(() => own.stop())

  const generations = () =>
    Object.values(own.mesh.engines).reduce((sum, engine) => sum + engine.stats().generations, 0)

  test('fifty requests for one answer at once, streamed and not, are one generation', async () => {
    const before = generations()
    const body = question(own, { temperature: 0, max_tokens: 60 })
    const asked = await Promise.all(
      Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? askStreamed : askWhole)(body, {}, own)),
    )
    expect(new Set(asked.map(({ text }) => text)).size).toBe(1)
    expect(new Set(asked.map(({ id }) => id)).size).toBe(50)
    expect(new Set(asked.map(({ finish }) => finish))).toEqual(new Set(['length']))
    expect(generations() - before).toBe(1)
    const outcomes = asked.map(({ headers }) => headers.get('x-mesh-cache'))
    expect(outcomes.filter((outcome) => outcome === 'miss')).toHaveLength(1)
    expect(outcomes).not.toContain('bypass')
  })

  test('a second reader sees the answer grow with the first, not only when it is whole', async () => {
    const body = question(own, { temperature: 0, max_tokens: 400, min_tokens: 400 })
    const stream = () =>
      openAi(own)
        .chat.completions.create({ ...body, stream: true })
        .withResponse()
    const first = await stream()
    const second = await stream()
    expect(second.response.headers.get('x-mesh-cache')).toBe('coalesced')
    const read: string[] = []
    const chunks = second.data[Symbol.asyncIterator]()
    await vi.waitFor(async () => {
      const { value } = await chunks.next()
      read.push(value?.choices[0]?.delta.content ?? '')
      expect(read.length).toBeGreaterThan(5)
    })
    const { running } = own.mesh.engines[first.response.headers.get('x-mesh-pool') ?? '']?.stats() ?? {}
    expect(running).toBe(1)
    second.data.controller.abort()
    expect(textOf(await collect(first.data)).startsWith(read.join(''))).toBe(true)
  })

  test("a tenant never finds another tenant's answer", async () => {
    const body = question(own, { temperature: 0 })
    const before = generations()
    await askWhole(body, {}, own)
    const other = await askWhole(body, {}, { ...own, key: KEYS['eu-bank'] })
    expect(other.headers.get('x-mesh-cache')).toBe('miss')
    expect(generations() - before).toBe(2)
  })
})
