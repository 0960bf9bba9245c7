/** What a pool of each dialect is asked when an answer is to go on, and which of them are not asked. */
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readAnswer, type Answer } from '../support/answer.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { startRecordingPool, type RecordingPool } from '../support/recording-pool.ts'

const DIALECTS = ['llamacpp', 'vllm', 'openai'] as const
type Dialect = (typeof DIALECTS)[number]
/** What every pool of these tests knows; a character outside the BMP is one of its tokens. */
const WORDS = ['Es', ' war', ' einmal', ' ein', ' 🧀', ',', ' der', ' war', ' rund', '.']
const PROMPT_TOKENS = 7

let pool: RecordingPool
let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  pool = await startRecordingPool()
  pool.answerWith(goOn)
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        pools: DIALECTS.map((dialect) => ({
          id: dialect,
          region: 'eu-central',
          dialect,
          url: `${pool.url}/${dialect}/v1`,
          models: [{ model: dialect, served: 'served' }],
          shared_prefix: true,
        })),
        models: DIALECTS.map((id) => ({ id, context_length: 32_768 })),
      }),
  })
})
afterAll(async () => {
  await mesh.stop()
  await pool.stop()
})
let prompt = ''
beforeEach(() => {
  unique += 1
  prompt = `Question ${unique}`
})

interface PoolBody {
  readonly messages?: readonly { readonly role: string; readonly content: string }[]
  readonly prompt?: string
  readonly max_tokens?: number
}

/** Goes on from whatever text it is given, as a server of its dialect writes it. */
function goOn(response: ServerResponse): void {
  const { path, body } = lastRequest()
  const isChat = path.endsWith('/chat/completions')
  const dialect = path.split('/')[1]
  const last = body.messages?.at(-1)
  const begun = isChat
    ? last?.role === 'assistant'
      ? last.content
      : ''
    : (body.prompt ?? '').slice(prompt.length)
  const from = WORDS.findIndex((_, index) => WORDS.slice(0, index).join('') === begun)
  const words = WORDS.slice(from, from + (body.max_tokens ?? WORDS.length))
  const reason = from + words.length < WORDS.length ? 'length' : 'stop'
  const usage = (tokens: number) => ({
    prompt_tokens: PROMPT_TOKENS,
    completion_tokens: tokens,
    total_tokens: PROMPT_TOKENS + tokens,
  })
  const counts = (tokens: number): object => {
    if (dialect === 'llamacpp')
      return { timings: { cache_n: 0, prompt_n: PROMPT_TOKENS, predicted_n: tokens } }
    return dialect === 'vllm' ? { usage: usage(tokens) } : {}
  }
  const choice = (text: string, finish: string | null): object =>
    isChat
      ? { index: 0, delta: text === '' ? {} : { content: text }, finish_reason: finish }
      : { index: 0, text, finish_reason: finish }
  const event = (members: object): string =>
    `data: ${JSON.stringify({ id: 'x', created: 1, ...members })}\n\n`
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const [index, word] of words.entries()) {
    response.write(event({ choices: [choice(word, null)], ...counts(index + 1) }))
  }
  response.write(event({ choices: [choice('', reason)], ...counts(words.length) }))
  response.end(`${event({ choices: [], usage: usage(words.length) })}data: [DONE]\n\n`)
}

function lastRequest(): { readonly path: string; readonly body: PoolBody } {
  const request = pool.requests.at(-1)
  if (request === undefined) throw new Error('the pool was not asked')
  return { path: request.path, body: JSON.parse(request.body) as PoolBody }
}

async function chat(model: Dialect, limit: number): Promise<Answer> {
  const messages = [{ role: 'user', content: prompt }]
  return post('/v1/chat/completions', { model, messages, temperature: 0, max_tokens: limit })
}

async function complete(model: Dialect, limit: number): Promise<Answer> {
  return post('/v1/completions', { model, prompt, temperature: 0, max_tokens: limit })
}

async function post(path: string, body: object): Promise<Answer> {
  const response = await mesh.fetch('FRA', path, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return readAnswer(response)
}

/** Asks under each limit in turn: the word and the counts of each answer, and how often the pool was asked. */
async function grow(ask: (limit: number) => Promise<Answer>, limits: readonly number[]) {
  const before = pool.requests.length
  const answers: Answer[] = []
  for (const limit of limits) answers.push(await ask(limit))
  return { words: answers.map(({ word }) => word), answers, asked: pool.requests.length - before }
}

function counts(tokens: number): object {
  return { prompt_tokens: PROMPT_TOKENS, completion_tokens: tokens, total_tokens: PROMPT_TOKENS + tokens }
}

describe.each(['llamacpp', 'vllm'] as const)('a chat on %s', (dialect) => {
  test('goes on from the text, by the two fields that say so, and is one answer', async () => {
    const { words, answers, asked } = await grow((limit) => chat(dialect, limit), [3, 6, 2, 20])
    expect(words).toEqual(['miss', 'extended', 'hit', 'extended'])
    expect(asked).toBe(3)
    expect(answers.map(({ text }) => text)).toEqual(
      [3, 6, 2, 10].map((count) => WORDS.slice(0, count).join('')),
    )
    expect(answers.map(({ finish }) => finish)).toEqual(['length', 'length', 'length', 'stop'])
    for (const [index, tokens] of [3, 6, 2, 10].entries())
      expect(answers[index]?.usage).toMatchObject(counts(tokens))
    const [second, third] = pool.requests.slice(-2).map(({ body }) => JSON.parse(body) as object)
    const continues = { continue_final_message: true, add_generation_prompt: false }
    expect(second).toMatchObject({
      ...continues,
      max_tokens: 3,
      messages: [
        { role: 'user', content: prompt },
        { role: 'assistant', content: 'Es war einmal' },
      ],
    })
    expect(third).toMatchObject({
      ...continues,
      max_tokens: 14,
      messages: [
        { role: 'user', content: prompt },
        { role: 'assistant', content: 'Es war einmal ein 🧀,' },
      ],
    })
  })
})

test('a chat of the dialect openai cannot go on, and is not cut, since it counts nothing', async () => {
  const { words, answers } = await grow((limit) => chat('openai', limit), [3, 6, 6, 2, 20])
  expect(words).toEqual(['miss', 'miss', 'hit', 'miss', 'miss'])
  expect(answers.map(({ text }) => text)).toEqual(
    [3, 6, 6, 2, 10].map((count) => WORDS.slice(0, count).join('')),
  )
  for (const { body } of pool.requests.slice(-4)) {
    expect(body).not.toContain('continue_final_message')
    expect((JSON.parse(body) as PoolBody).messages).toEqual([{ role: 'user', content: prompt }])
  }
})

describe.each(DIALECTS)('a completion on %s', (dialect) => {
  test('goes on from the prompt with the text', async () => {
    const { words, answers, asked } = await grow((limit) => complete(dialect, limit), [3, 6, 20])
    expect(words).toEqual(['miss', 'extended', 'extended'])
    expect(asked).toBe(3)
    expect(answers.map(({ text }) => text)).toEqual([3, 6, 10].map((count) => WORDS.slice(0, count).join('')))
    expect(answers.map(({ finish }) => finish)).toEqual(['length', 'length', 'stop'])
    for (const [index, tokens] of [3, 6, 10].entries())
      expect(answers[index]?.usage).toMatchObject(counts(tokens))
    const bodies = pool.requests.slice(-2).map(({ body }) => JSON.parse(body) as PoolBody)
    expect(bodies).toMatchObject([
      { prompt: `${prompt}Es war einmal`, max_tokens: 3 },
      { prompt: `${prompt}Es war einmal ein 🧀,`, max_tokens: 14 },
    ])
    expect(Object.keys(bodies[0] ?? {})).not.toContain('continue_final_message')
  })
})
