/** Clients that leave and pools that break off: the pool hears of the one, the client of the other. */
import { APIError, APIUserAbortError } from 'openai'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { EngineStats } from '../../tools/local/engine/core.ts'
import { anew, collect, question, textOf } from './ask.ts'
import { startResettingRelay } from './resetting-relay.ts'
import { describeOwn, openAi, openOwnTarget, recordingFetch, type OwnTarget } from './target.ts'

/** Slow enough to leave in the middle of an answer, quick enough not to wait for one. */
const INTER_TOKEN_MS = 20
const IDLE_MS = 1000
/** For what should happen at once, on a machine that does other things too. */
const SOON = { timeout: 10_000, interval: 20 }
const PATHS = [
  ['shared', 0],
  ['private', 1],
] as const

describeOwn('clients that leave', () => {
  let own: OwnTarget
  let before: Record<keyof EngineStats, number>
  beforeAll(async () => {
    own = await openOwnTarget({ engine: { interTokenLatencyMs: INTER_TOKEN_MS } })
  })
  beforeEach(() => {
    Object.values(own.mesh.engines).forEach((engine) => engine.clearFaults())
    before = totals()
  })
  afterEach(() => vi.waitFor(() => expect(totals().running).toBe(0), SOON))
  afterAll(() => own.stop())

  const totals = () =>
    Object.values(own.mesh.engines)
      .map((engine) => engine.stats())
      .reduce((total, stats) => ({
        ...total,
        requests: total.requests + stats.requests,
        tokens_generated: total.tokens_generated + stats.tokens_generated,
        running: total.running + stats.running,
        aborted: total.aborted + stats.aborted,
      }))
  /** In this test, over all pools. */
  const sum = (name: keyof EngineStats) => totals()[name] - before[name]
  /** It would run for a minute if nobody stopped it. */
  const endless = (temperature: number) => ({
    ...question(own, { temperature, max_tokens: 3000, min_tokens: 3000 }),
  })

  async function expectStopped(): Promise<void> {
    await vi.waitFor(() => {
      expect({ aborted: sum('aborted'), running: sum('running') }).toEqual({ aborted: 1, running: 0 })
    }, SOON)
    expect(sum('tokens_generated')).toBeLessThan(1000)
  }

  test.each(PATHS)('break out of a stream stops the pool (%s)', async (_path, temperature) => {
    const stream = await openAi(own).chat.completions.create({ ...endless(temperature), stream: true })
    let chunks = 0
    for await (const _chunk of stream) {
      chunks += 1
      if (chunks === 3) break
    }
    await expectStopped()
  })

  test.each(PATHS)('abort() of a stream stops the pool (%s)', async (_path, temperature) => {
    const stream = await openAi(own).chat.completions.create({ ...endless(temperature), stream: true })
    const read = collect(
      (async function* () {
        for await (const chunk of stream) {
          stream.controller.abort()
          yield chunk
        }
      })(),
    )
    await read
    await expectStopped()
  })

  test.each(PATHS)(
    'abort of a request that is not streamed stops the pool (%s)',
    async (_path, temperature) => {
      const controller = new AbortController()
      const relay = await startResettingRelay(own.url)
      onTestFinished(() => relay.stop())
      const asked = openAi({ ...own, url: relay.url })
        .chat.completions.create(endless(temperature), { signal: controller.signal })
        .catch((error: unknown) => error)
      await vi.waitFor(() => expect(sum('tokens_generated')).toBeGreaterThan(2), SOON)
      controller.abort()
      expect(await asked).toBeInstanceOf(APIUserAbortError)
      await expectStopped()
    },
  )

  test.each(PATHS)(
    'abort while the pool reads the prompt stops the pool (%s)',
    async (_path, temperature) => {
      const controller = new AbortController()
      const relay = await startResettingRelay(own.url)
      onTestFinished(() => relay.stop())
      own.mesh.engines['eu-central']?.setFaults({ stall_after_tokens: 0 })
      const asked = openAi({ ...own, url: relay.url })
        .chat.completions.create(
          { ...endless(temperature), stream: true },
          { signal: controller.signal, headers: { 'x-mesh-residency': 'eu' } },
        )
        .catch((error: unknown) => error)
      await vi.waitFor(() => expect(sum('running')).toBe(1), SOON)
      controller.abort()
      expect(await asked).toBeInstanceOf(APIUserAbortError)
      await expectStopped()
      expect(sum('requests')).toBe(1)
    },
  )

  test('one of two readers that leaves takes nothing from the other; the last one stops the pool', async () => {
    const body = { ...endless(0), stream: true } as const
    const { completions } = openAi(own).chat
    const first = await completions.create(body)
    const second = await completions.create(body)
    expect(sum('requests')).toBe(1)
    for await (const _chunk of first) break
    let chunks = 0
    for await (const _chunk of second) {
      chunks += 1
      if (chunks === 40) break
    }
    expect(chunks).toBe(40)
    await expectStopped()
  })

  test('the next request works after one was left, with the same prompt too', async () => {
    const body = { ...endless(0), stream: true } as const
    for await (const _chunk of await openAi(own).chat.completions.create(body)) break
    const again = await openAi(own).chat.completions.create(body)
    let chunks = 0
    for await (const _chunk of again) {
      chunks += 1
      if (chunks === 10) break
    }
    expect(chunks).toBe(10)
  })
})

describeOwn('pools that break off', () => {
  let own: OwnTarget
  beforeEach(async () => {
    own = await openOwnTarget({}, { idle_ms: IDLE_MS })
  })
  afterEach(() => own.stop())

  const breakAll = (faults: object) =>
    Object.values(own.mesh.engines).forEach((engine) => engine.setFaults(faults))

  const CASES = [
    ['cut', { die_after_tokens: 4 }, { code: 'stream_truncated' }],
    ['stalled', { stall_after_tokens: 4 }, { code: 'stream_stalled' }],
  ] as const

  test.each(
    CASES.flatMap(([how, fault, error]) =>
      PATHS.map(([path, temperature]) => ({ how, path, temperature, fault, error })),
    ),
  )(
    'a $how stream throws after its text ($path) and never ends well',
    async ({ temperature, fault, error }) => {
      breakAll(fault)
      const body = question(own, { temperature, max_tokens: 50 })
      const stream = await openAi(own).chat.completions.create({ ...body, stream: true })
      const seen: ChatCompletionChunk[] = []
      const failure: unknown = await (async () => {
        for await (const chunk of stream) seen.push(chunk)
      })().catch((reason: unknown) => reason)
      expect(failure).toBeInstanceOf(APIError)
      expect(failure).toMatchObject({ ...error, type: 'server_error' })
      expect(textOf(seen)).toMatch(/\w/)
      expect(seen.map(({ choices }) => choices[0]?.finish_reason ?? null).filter(Boolean)).toEqual([])
    },
  )

  test('a cut stream of the older completions throws as well', async () => {
    breakAll({ die_after_tokens: 4 })
    const body = { model: own.model, prompt: anew('Cut me'), max_tokens: 50, stream: true } as const
    const stream = await openAi(own).completions.create(body)
    await expect(collect(stream)).rejects.toMatchObject({ code: 'stream_truncated' })
  })

  test.each([
    ['cut', { die_after_tokens: 4 }, 502, 'stream_truncated'],
    ['stalled', { stall_after_tokens: 4 }, 504, 'stream_stalled'],
  ] as const)(
    'an answer that is not streamed and was %s is a typed error',
    async (_how, fault, status, code) => {
      breakAll(fault)
      const failure: unknown = await openAi(own)
        .chat.completions.create(question(own, { max_tokens: 50 }))
        .catch((reason: unknown) => reason)
      expect(failure).toMatchObject({ status, code })
      expect((failure as APIError).requestID).toMatch(/^req_/)
    },
  )

  test.each(PATHS)(
    'an answer that was cut is finished by another pool, or retried by the SDK, and comes whole (%s)',
    async (_path, temperature) => {
      own.mesh.engines['eu-central']?.setFaults({ die_after_tokens: 4, times: 1 })
      const recorded = recordingFetch()
      const client = openAi(own, { maxRetries: 3, fetch: recorded.fetch })
      const answer = await client.chat.completions.create(question(own, { temperature, max_tokens: 30 }))
      expect(answer).toMatchObject({ usage: { completion_tokens: 30 } })
      const statuses = recorded.exchanges.map(({ status }) => status)
      expect(statuses.at(-1)).toBe(200)
      // What is sampled is not gone on with.
      for (const status of statuses.slice(0, -1)) expect([temperature, status]).toEqual([1, 502])
    },
  )

  test('half an answer is never served to the next who asks', async () => {
    breakAll({ die_after_tokens: 4 })
    // A penalty on what was generated keeps another pool from going on.
    const body = question(own, { temperature: 0, max_tokens: 50, presence_penalty: 0.5 })
    const { completions } = openAi(own).chat
    await expect(collect(await completions.create({ ...body, stream: true }))).rejects.toBeInstanceOf(
      APIError,
    )
    Object.values(own.mesh.engines).forEach((engine) => engine.clearFaults())
    const { data, response } = await completions.create(body).withResponse()
    expect(response.headers.get('x-mesh-cache')).toBe('miss')
    expect(data).toMatchObject({ usage: { completion_tokens: 50 }, choices: [{ finish_reason: 'length' }] })
  })
})
