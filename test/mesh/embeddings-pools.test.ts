/** What reaches a pool that is asked for vectors, and what a client sees of a pool that answers badly. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BAD_EMBEDDINGS, item, json, list } from '../support/bad-embeddings.ts'
import { embed, type EmbedOptions } from '../support/embed.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { startRecordingPool, type RecordingPool } from '../support/recording-pool.ts'
import { startScriptedPools, type ScriptedPools } from '../support/scripted-pool.ts'

const DIALECTS = ['openai', 'vllm', 'llamacpp'] as const
const OFF: EmbedOptions = { headers: { 'x-mesh-cache': 'off' } }
/** All that a call may carry: ours, HTTP's own, the runtime's (which Worker calls), and the simulated distance. */
const HEADERS = new Set([
  'accept',
  'content-type',
  'host',
  'content-length',
  'cf-worker',
  'x-sim-edge-region',
])

interface Sent {
  readonly model: string
  readonly input: readonly unknown[]
  readonly encoding_format: string
  readonly dimensions?: number
  readonly cache_salt?: string
}

let recording: RecordingPool
let scripted: ScriptedPools
let mesh: TestMesh
beforeAll(async () => {
  recording = await startRecordingPool()
  scripted = await startScriptedPools(
    Object.fromEntries(Object.entries(BAD_EMBEDDINGS).map(([name, { answer }]) => [slug(name), answer])),
  )
  const bad = Object.keys(BAD_EMBEDDINGS).map((name) => ({
    id: slug(name),
    url: `${scripted.url(slug(name))}/v1`,
  }))
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) =>
      aMeshConfig(urls, {
        limits: { first_token_ms: 2000, idle_ms: 2000 },
        pools: [
          ...DIALECTS.map((dialect) => pool(dialect, `${recording.url}/v1`, dialect, dialect)),
          pool('good', `${urls['us-east']}/v1`, 'vllm', 'good'),
          ...bad.map(({ id, url }) => pool(id, url, 'openai', id)),
          // Near, and so asked first.
          ...bad.map(({ id, url }) => pool(`${id}-near`, url, 'openai', `${id}-or-good`)),
          ...bad.map(({ id }) => ({
            ...pool(`${id}-far`, `${urls['us-east']}/v1`, 'openai', `${id}-or-good`),
            region: 'us-east',
          })),
        ],
        models: [
          ...DIALECTS.map((id) => ({ id, context_length: 100, extra_fields: ['truncate'] })),
          ...['good', ...bad.map(({ id }) => id), ...bad.map(({ id }) => `${id}-or-good`)].map((id) => ({
            id,
            context_length: 100,
          })),
        ],
      }),
  })
})
afterAll(async () => {
  await mesh.stop()
  await recording.stop()
  await scripted.stop()
})
afterEach(() => recording.answerWith(undefined))

function pool(id: string, url: string, dialect: string, model: string) {
  const models = [{ model, served: 'story-8b' }]
  return { id, region: 'eu-central', dialect, url, models, shared_prefix: true }
}

function slug(name: string): string {
  return name.replaceAll(/[^a-z0-9]+/g, '-')
}

async function sentBy(model: string, input: unknown, options: EmbedOptions = {}, answer = list([item(0)])) {
  recording.answerWith(json(answer))
  const before = recording.requests.length
  const answered = await embed(mesh, 'FRA', input, { ...options, body: { model, ...options.body } })
  const calls = recording.requests.slice(before).map((request) => ({
    ...request,
    sent: JSON.parse(request.body) as Sent,
  }))
  return { answered, calls }
}

describe.each(DIALECTS)('a pool of the dialect %s', (dialect) => {
  test('is sent one call with what was checked, and nothing else of the client’s', async () => {
    const { answered, calls } = await sentBy(
      dialect,
      'Hello.',
      {
        headers: { 'x-mesh-cache': 'off', 'x-secret': 'client-marker', cookie: 'client-marker' },
        body: { user: 'client-marker', encoding_format: 'float', truncate: true },
      },
      list([item(0)]),
    )
    expect(answered).toMatchObject({ status: 200, vectors: [[1, 0]], promptTokens: 6 })
    expect(calls).toHaveLength(1)
    const [call] = calls
    expect([call?.method, call?.path]).toEqual(['POST', '/v1/embeddings'])
    expect(call?.sent).toEqual({
      model: 'story-8b',
      input: ['Hello.'],
      encoding_format: 'base64',
      truncate: true,
      ...(dialect === 'vllm' ? { cache_salt: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string } : {}),
    })
    expect(call?.body).not.toContain('client-marker')
    for (const [name, value] of call?.headers ?? []) {
      expect(HEADERS.has(name), name).toBe(true)
      expect(value).not.toContain('client-marker')
    }
  })

  test('that cannot shorten vectors is not asked for it', async () => {
    const { answered, calls } = await sentBy(dialect, 'Hello.', { body: { dimensions: 2 }, ...OFF })
    if (dialect === 'llamacpp') {
      expect(answered).toMatchObject({ status: 400, word: 'unsupported_parameter' })
      expect(calls).toEqual([])
    } else {
      expect(calls[0]?.sent.dimensions).toBe(2)
    }
  })
})

describe('a batch', () => {
  test('is sent on without what is known, in its order, each input once', async () => {
    const answerTo = (count: number) => list(Array.from({ length: count }, (_, index) => item(index)))
    await sentBy('openai', ['b', 'd'], {}, answerTo(2))
    const { answered, calls } = await sentBy('openai', ['e', 'd', 'c', 'e', 'b', 'a', 'c'], {}, answerTo(3))
    // What was just made may not be kept yet; it is known or sent, and nothing is sent twice.
    expect(answered.vectors).toHaveLength(7)
    const [call] = calls
    const known = new Set(['b', 'd'].filter((input) => call?.sent.input.includes(input) !== true))
    expect(call?.sent.input).toEqual(['e', 'd', 'c', 'b', 'a'].filter((input) => !known.has(input)))
  })

  test('is put in order by the indexes of the answer', async () => {
    const answer = list([item(2, [2, 2]), item(0, [0, 0]), item(1, [1, 1])])
    const { answered } = await sentBy('openai', ['x', 'y', 'z'], OFF, answer)
    expect(answered.vectors).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ])
  })

  test('may be of token ids', async () => {
    const { calls } = await sentBy('openai', [[1, 2], [3]], OFF, list([item(0), item(1)]))
    expect(calls[0]?.sent.input).toEqual([[1, 2], [3]])
    const one = await sentBy('openai', [7, 8], OFF)
    expect(one.calls[0]?.sent.input).toEqual([[7, 8]])
  })

  test('with an input that no context can hold reaches no pool', async () => {
    for (const input of [['a', 'x'.repeat(13_000)], [Array.from({ length: 101 }, () => 1)]]) {
      const { answered, calls } = await sentBy('openai', input, OFF)
      expect(answered).toMatchObject({ status: 400, word: 'context_length_exceeded' })
      expect(calls).toEqual([])
    }
    // Each input has the context to itself.
    const many = Array.from({ length: 50 }, (_, index) => `${index} `.repeat(200))
    const { answered } = await sentBy('openai', many, OFF, list(many.map((_, index) => item(index))))
    expect(answered.status).toBe(200)
  })

  test('whose pool does not count is answered without a count', async () => {
    const { answered } = await sentBy('openai', 'a', OFF, list([item(0)], { usage: null }))
    expect(answered).toMatchObject({ status: 200, promptTokens: undefined })
  })
})

describe('a pool that answers', () => {
  test.each(Object.entries(BAD_EMBEDDINGS))(
    '%s has failed, and nothing of it is kept',
    async (name, { status, code }) => {
      const ask = () => embed(mesh, 'FRA', ['one', 'two'], { body: { model: slug(name) } })
      expect(await ask()).toMatchObject({ status, word: code })
      const only = { body: { model: slug(name) }, headers: { 'x-mesh-cache': 'only' } }
      expect(await embed(mesh, 'FRA', ['one', 'two'], only)).toMatchObject({ word: 'not_cached' })
    },
  )

  const others = Object.keys(BAD_EMBEDDINGS).filter((name) => BAD_EMBEDDINGS[name]?.isFinal !== true)
  test.each(others)('%s is left for the next one', async (name) => {
    const before = scripted.asked(slug(name))
    const answer = await embed(mesh, 'FRA', ['one', 'two'], {
      body: { model: `${slug(name)}-or-good` },
      ...OFF,
    })
    expect([answer.status, answer.headers.get('x-mesh-pool')]).toEqual([200, `${slug(name)}-far`])
    const tries = scripted.asked(slug(name)) - before
    expect(answer.headers.get('x-mesh-attempts')).toBe(String(tries + 1))
    const good = await embed(mesh, 'FRA', ['one', 'two'], { body: { model: 'good' }, ...OFF })
    expect(answer.vectors).toEqual(good.vectors)
  })
})

test('nothing of what pools sent, or of what they were sent, is in the log', () => {
  const logs = mesh.logs.join('\n')
  expect(logs).toContain('"surface":"embeddings"')
  for (const secret of ['client-marker', 'maximum context', 'Hello.', KEYS.demo, '<html>']) {
    expect(logs).not.toContain(secret)
  }
})
