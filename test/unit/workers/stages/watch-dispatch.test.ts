/** One dispatch is followed to its one end: what is counted of it, and what it shows of its pool. */
import { describe, expect, test } from 'vitest'
import type { AnswerOutcome } from '../../../../shared/log/answer-facts.ts'
import type { Usage } from '../../../../shared/log/frame.ts'
import type { EstimateParts } from '../../../../shared/routing/estimate.ts'
import type { Dialect } from '../../../../shared/schema/mesh.ts'
import { aPrompt } from '../a-dispatch.ts'
import { aWatched, REFUSALS } from '../a-watched.ts'
import { must } from '../must.ts'

const ASKED_AT_MS = 1_000_000

describe('a request that is sent', () => {
  test('is under way from then on, with what its pool has to compute', () => {
    const { watch, state } = aWatched()
    watch({ parts: { promptTokens: 1000, warmTokens: 399.6 } })
    expect(state()).toMatchObject({
      pending: 1,
      waiting: 1,
      waitingTokens: 600,
      waitingSinceMs: ASKED_AT_MS,
      lastDispatchAtMs: ASKED_AT_MS,
    })
  })

  test('no longer waits once its pool begins, and is under way until its answer is over', () => {
    const { watch, state, runtime } = aWatched()
    const dispatch = watch()
    runtime.advance(140)
    expect(dispatch.began(25)).toBe(140)
    expect(state()).toMatchObject({ pending: 1, waiting: 0, waitingTokens: 0 })
    dispatch.over('completed')
    expect(state().pending).toBe(0)
  })
})

describe('an answer that has begun and', () => {
  const failed = (failure: string) => ({ kind: 'failed', failure, key: 'demo/k1', sawFirstToken: true })
  test.each<[AnswerOutcome, readonly object[]]>([
    ['completed', [{ kind: 'served', model: 'story', ttftMs: 140, decodeMs: 60 }]],
    ['truncated', [failed('server_error')]],
    ['upstream_error', [failed('server_error')]],
    ['stalled', [failed('timeout')]],
    ['timed_out', []],
    ['client_cancelled', []],
  ])('was %s tells so once', (outcome, told) => {
    const { watch, state, seen, runtime } = aWatched()
    const dispatch = watch()
    runtime.advance(140)
    dispatch.began(25)
    runtime.advance(60)
    dispatch.over(outcome)
    const times = { pool: 'eu-central', askedAtMs: ASKED_AT_MS, atMs: ASKED_AT_MS + 200 }
    const [first, ...rest] = seen()
    expect(first?.kind).toBe('first_token')
    expect(rest).toMatchObject(told.map((one) => ({ ...times, ...one })))
    expect(rest).toHaveLength(told.length)
    expect(rest.every((one) => !('waitedMs' in one))).toBe(true)
    expect(state()).toMatchObject({ pending: 0, waiting: 0 })
  })
})

describe('a refusal', () => {
  const failed = (failure: string) => ({ kind: 'failed', failure, sawFirstToken: false, waitedMs: 140 })
  const told = [
    failed('unreachable'),
    failed('timeout'),
    failed('redirect'),
    failed('server_error'),
    { kind: 'saturated', status: 429, retryAfterMs: 2000 },
    { kind: 'saturated', status: 503 },
    undefined,
    undefined,
  ]
  test.each(REFUSALS.map((failure, index) => [failure, told[index]] as const))(
    '%j is told as %j',
    (failure, one) => {
      const { watch, state, seen, runtime } = aWatched()
      const dispatch = watch({ key: 'demo/k2' })
      runtime.advance(140)
      dispatch.refused(failure)
      const about = { pool: 'eu-central', key: 'demo/k2', askedAtMs: ASKED_AT_MS, atMs: ASKED_AT_MS + 140 }
      expect(seen()).toEqual(one === undefined ? [] : [{ ...about, ...one }])
      expect(state()).toMatchObject({ pending: 0, waiting: 0, waitingTokens: 0 })
    },
  )

  test('that says nothing of the pool lets the next probe of an open breaker go at once', () => {
    const { watch, state, runtime } = aWatched()
    for (const key of ['a', 'b', 'c']) watch({ key }).refused({ kind: 'fault', fault: 'server_error' })
    expect(state().measures.breaker.kind).toBe('open')
    runtime.advance(2000)
    const probe = watch()
    expect(state().measures.breaker).toMatchObject({ kind: 'half_open', probeUntilMs: ASKED_AT_MS + 32_000 })
    probe.refused({ kind: 'cancelled' })
    expect(state().measures.breaker).toMatchObject({ kind: 'half_open' })
    expect(state().measures.breaker).not.toHaveProperty('probeUntilMs')
  })
})

describe('a first token', () => {
  function firstToken(dialect: Dialect, headersMs: number, parts: Partial<EstimateParts> = {}) {
    const { watch, seen, runtime } = aWatched(dialect)
    const dispatch = watch({ parts })
    runtime.advance(350)
    dispatch.began(headersMs)
    const [first] = seen()
    return must(first?.kind === 'first_token' ? first : undefined)
  }

  test('is told with what was predicted and what its pool had to compute', () => {
    expect(firstToken('openai', 25, { warmTokens: 400, queueMs: 40 })).toEqual({
      kind: 'first_token',
      pool: 'eu-central',
      key: 'demo/k1',
      askedAtMs: ASKED_AT_MS,
      atMs: ASKED_AT_MS + 350,
      ttftMs: 350,
      queueMs: 40,
      uncachedTokens: 600,
      predictedMs: 20 + 30 + 40 + 60,
    })
  })

  test('of a pool whose headers say that a place was given shows its queue: they came later than a round trip takes', () => {
    expect(firstToken('llamacpp', 320)).toMatchObject({ queueMs: 300, ttftMs: 350 })
    expect(firstToken('llamacpp', 320, { queueMs: 5 }).queueMs).toBe(300)
    expect(firstToken('llamacpp', 20).queueMs).toBe(0)
    expect(firstToken('llamacpp', 5).queueMs).toBe(0)
    expect(firstToken('llamacpp', 320)).not.toHaveProperty('roundTripMs')
  })

  test('of a pool whose headers say that the request arrived shows the way there and back', () => {
    expect(firstToken('vllm', 25)).toMatchObject({ roundTripMs: 25, queueMs: 0 })
  })

  // It came after 350 ms, of which a way of 20 ms and a prompt of 100 ms are expected anyway.
  test.each([
    ['as late as expected', { queueMs: 100, interceptMs: 130 }, 100],
    ['later than even the queue explains', { queueMs: 40, interceptMs: 130 }, 40],
    ['earlier than the queue would have let it', { queueMs: 280, interceptMs: 30 }, 200],
    ['earlier than without any queue', { queueMs: 280, interceptMs: 300 }, 0],
  ])('of any other came %s, and no more of it is taken for a queue', (_name, expected, queueMs) => {
    const seen = firstToken('openai', 25, expected)
    expect(seen.queueMs).toBe(queueMs)
    expect(seen).not.toHaveProperty('roundTripMs')
  })
})

describe('what an answer’s pool has counted', () => {
  function served(usage?: Usage) {
    const { watch, seen, runtime } = aWatched()
    const dispatch = watch()
    runtime.advance(140)
    dispatch.began(20)
    runtime.advance(60)
    dispatch.over('completed', usage)
    return seen().find(({ kind }) => kind === 'served')
  }

  test('is told, and nothing of its text', () => {
    const usage = { promptTokens: 5, completionTokens: 9, cachedTokens: 0, raw: '{"secret":1}' }
    expect(served(usage)).toEqual({
      kind: 'served',
      pool: 'eu-central',
      askedAtMs: ASKED_AT_MS,
      atMs: ASKED_AT_MS + 200,
      model: 'story',
      promptBytes: aPrompt().anchors.bytes,
      ttftMs: 140,
      decodeMs: 60,
      promptTokens: 5,
      completionTokens: 9,
      cachedTokens: 0,
    })
  })

  test('is left out where it has not', () => {
    const without = served()
    for (const count of ['promptTokens', 'completionTokens', 'cachedTokens'])
      expect(without).not.toHaveProperty(count)
    expect(served({ promptTokens: 5, completionTokens: 9, raw: '' })).not.toHaveProperty('cachedTokens')
  })
})
