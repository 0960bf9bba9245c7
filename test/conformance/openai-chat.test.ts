/** Chat completions as the real `openai` package asks for them and reads them. */
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anew, collect, question, textOf, type Fields } from './ask.ts'
import { openAi, openTarget, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

const chats = () => openAi(target).chat.completions

async function chunksOf(fields: Fields): Promise<ChatCompletionChunk[]> {
  return collect(await chats().create({ ...question(target, fields), stream: true }))
}

test('an answer has the text, the reason it ended, the counts and the request id', async () => {
  const answer = await chats().create(question(target, { max_tokens: 7 }))
  expect(answer).toMatchObject({
    id: expect.stringMatching(/^chatcmpl-[0-9a-f]{24}$/),
    object: 'chat.completion',
    model: target.model,
    choices: [{ index: 0, finish_reason: 'length', message: { role: 'assistant' } }],
    usage: { completion_tokens: 7 },
    _request_id: expect.stringMatching(/^req_[0-9a-f]{24}$/),
  })
  expect(answer.choices[0]?.message.content).toMatch(/\w/)
  const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = answer.usage ?? {}
  expect(prompt_tokens).toBeGreaterThan(0)
  expect(total_tokens).toBe(prompt_tokens + completion_tokens)
  expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(60)
})

test('a stream has one id, the role first, text in several chunks, and one reason to end in the last', async () => {
  const chunks = await chunksOf({})
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  expect(chunks[0]?.id).toMatch(/^chatcmpl-[0-9a-f]{24}$/)
  expect(new Set(chunks.map(({ created }) => created)).size).toBe(1)
  expect(new Set(chunks.map(({ model }) => model))).toEqual(new Set([target.model]))
  expect(new Set(chunks.map(({ object }) => object))).toEqual(new Set(['chat.completion.chunk']))
  expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
  expect(chunks.filter(({ choices }) => choices[0]?.delta.content).length).toBeGreaterThan(3)
  const reasons = chunks.map(({ choices }) => choices[0]?.finish_reason ?? null)
  expect(reasons.at(-1)).toBe('length')
  expect(reasons.filter((reason) => reason !== null)).toEqual(['length'])
})

test('a stream that did not ask for usage has none, not even null', async () => {
  const chunks = await chunksOf({})
  expect(chunks.filter((chunk) => 'usage' in chunk)).toEqual([])
  expect(chunks.filter(({ choices }) => choices.length === 0)).toEqual([])
})

test('include_usage gives null until the one chunk at the end, which has no choices', async () => {
  const chunks = await chunksOf({ max_tokens: 9, stream_options: { include_usage: true } })
  const last = chunks.at(-1)
  expect(last).toMatchObject({ choices: [], usage: { completion_tokens: 9 } })
  expect(last?.id).toBe(chunks[0]?.id)
  expect(chunks.filter(({ choices }) => choices.length === 0)).toHaveLength(1)
  expect(new Set(chunks.slice(0, -1).map(({ usage }) => usage))).toEqual(new Set([null]))
})

test('include_usage false is no wish for usage', async () => {
  const chunks = await chunksOf({ stream_options: { include_usage: false } })
  expect(chunks.filter((chunk) => 'usage' in chunk)).toEqual([])
})

test('the stream helper adds up to the same answer as its parts', async () => {
  const runner = openAi(target).chat.completions.stream({
    ...question(target, { max_tokens: 12 }),
    stream_options: { include_usage: true },
  })
  let deltas = ''
  runner.on('content', (delta) => {
    deltas += delta
  })
  const final = await runner.finalChatCompletion()
  expect(final.choices[0]?.message.content).toBe(deltas)
  expect(final.choices[0]?.finish_reason).toBe('length')
  expect(final.usage?.completion_tokens).toBe(12)
})

// Long enough for words with bytes beyond ASCII to come many times, and to be cut at many places.
const LONG = { temperature: 0, max_tokens: 500, min_tokens: 500 } as const

test.each(['shared', 'private'])(
  'a long answer in several alphabets is the same streamed or not when it is %s',
  async (kind) => {
    const headers = kind === 'private' ? { 'x-mesh-cache': 'off' } : {}
    const body = question(target, { content: anew('Über Café, 東京 und 🌊'), ...LONG })
    const completions = chats()
    const whole = await completions.create(body, { headers })
    const streamed = textOf(await collect(await completions.create({ ...body, stream: true }, { headers })))
    expect(whole.choices[0]?.message.content).toBe(streamed)
    expect(streamed).toMatch(/[^ -~\s]/)
    expect(streamed).not.toContain('\ufffd')
    expect(whole.usage?.completion_tokens).toBe(500)
  },
  // Real pools, and simulated ones that behave like them, write 500 tokens twice.
  60_000,
)

test('fields that a client sends as null count as not sent', async () => {
  const content = anew('Nothing said')
  const silent: Fields = {
    stop: null,
    temperature: null,
    top_p: null,
    n: null,
    seed: null,
    logit_bias: null,
    stream: null,
    stream_options: null,
    presence_penalty: null,
    frequency_penalty: null,
    logprobs: null,
    top_logprobs: null,
    max_completion_tokens: null,
    metadata: null,
    store: null,
    service_tier: null,
  }
  const answer = await chats().create(question(target, { content, ...silent, max_tokens: 4 }))
  expect(answer).toMatchObject({ object: 'chat.completion', usage: { completion_tokens: 4 } })
})

test('max_tokens and max_completion_tokens both limit the answer', async () => {
  const completions = chats()
  const older = await completions.create(question(target, { max_tokens: 3 }))
  const { max_tokens: _, ...rest } = question(target)
  const newer = await completions.create({ ...rest, max_completion_tokens: 5 })
  expect(older).toMatchObject({ usage: { completion_tokens: 3 }, choices: [{ finish_reason: 'length' }] })
  expect(newer).toMatchObject({ usage: { completion_tokens: 5 }, choices: [{ finish_reason: 'length' }] })
})

test('an answer without a limit ends by itself, with the reason stop', async () => {
  const { max_tokens: _, ...body } = question(target)
  const answer = await chats().create(body)
  expect(answer.choices[0]?.finish_reason).toBe('stop')
})

test('a seed gives the same answer again, also where nothing is cached; another seed gives another', async () => {
  const content = anew('Roll the dice')
  const ask = async (seed: number) => {
    const body = question(target, { content, seed, temperature: 1, max_tokens: 60 })
    const answer = await chats().create(body, { headers: { 'x-mesh-cache': 'off' } })
    return answer.choices[0]?.message.content
  }
  const first = await ask(7)
  expect(await ask(7)).toBe(first)
  expect(await ask(8)).not.toBe(first)
})

test('a stop string ends the answer before it, streamed or not', async () => {
  const body = { ...question(target, { content: anew('Stop there'), temperature: 0, max_tokens: 80 }) }
  const completions = chats()
  const whole = (await completions.create(body)).choices[0]?.message.content ?? ''
  // The first word that does not come up in the answer's beginning, so that something stands before it.
  const stop = whole.split(' ').find((word) => word !== '' && whole.indexOf(word) > 20) ?? ''
  expect(stop).not.toBe('')
  const expected = whole.slice(0, whole.indexOf(stop))

  const stopped = await completions.create({ ...body, stop: [stop] })
  expect(stopped.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expected } })
  const chunks = await collect(await completions.create({ ...body, stop, stream: true }))
  expect(textOf(chunks)).toBe(expected)
  expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
})

test('withResponse() gives the headers that say what served the answer', async () => {
  const { data, response, request_id: requestId } = await chats().create(question(target)).withResponse()
  expect(data).toHaveProperty('_request_id', requestId)
  expect(response.headers.get('x-request-id')).toBe(requestId)
  expect(response.headers.get('x-mesh-cache')).toBe('bypass')
  expect(response.headers.get('x-mesh-attempts')).toMatch(/^\d+$/)
  for (const name of ['x-mesh-pool', 'x-mesh-region', 'x-mesh-route', 'x-mesh-residency', 'x-mesh-config']) {
    expect(response.headers.get(name), name).toMatch(/./)
  }
  expect(response.headers.get('server-timing')).toMatch(/^pool;dur=\d+(\.\d+)?, total;dur=\d+(\.\d+)?$/)
})

test('every request has an id of its own, and gets back the one it named itself', async () => {
  const named = anew('id').replaceAll(/[ ()]/g, '')
  const ask = () =>
    chats()
      .create(question(target, { max_tokens: 1 }), { headers: { 'X-Client-Request-Id': named } })
      .withResponse()
  const [one, other] = await Promise.all([ask(), ask()])
  expect(one.request_id).not.toBe(other.request_id)
  expect(one.response.headers.get('x-client-request-id')).toBe(named)
  expect(other.response.headers.get('x-client-request-id')).toBe(named)
})

test('fifty requests at once all get their own whole answer', async () => {
  const completions = chats()
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const body = question(target, {
        content: anew(`Question ${index}`),
        temperature: index % 2,
        max_tokens: 10 + index,
      })
      if (index % 3 === 0) {
        const answer = await completions.create(body)
        return { id: answer.id, tokens: answer.usage?.completion_tokens }
      }
      const options = { stream: true, stream_options: { include_usage: true } } as const
      const chunks = await collect(await completions.create({ ...body, ...options }))
      return { id: chunks[0]?.id, tokens: chunks.at(-1)?.usage?.completion_tokens }
    }),
  )
  expect(answers.map(({ tokens }) => tokens)).toEqual(Array.from({ length: 50 }, (_, index) => 10 + index))
  expect(new Set(answers.map(({ id }) => id)).size).toBe(50)
})
