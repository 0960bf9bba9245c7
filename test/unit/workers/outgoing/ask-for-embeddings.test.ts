/** One pool is asked for vectors: what it must answer, how long it may take, and whose fault it is when it does not. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { askForEmbeddings, type EmbeddingsJob } from '../../../../workers/outgoing/ask-for-embeddings.ts'
import { aDispatch, must, type DispatchSetUp } from '../a-dispatch.ts'
import { aRanking } from '../a-ranking.ts'
import { heldBody, type HeldBody } from '../held-body.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const LIMITS = { first_token_ms: 1000, idle_ms: 5000 }
const ANSWER = JSON.stringify({
  data: [
    { index: 0, embedding: [1, 2] },
    { index: 1, embedding: [3, 4] },
  ],
  usage: { prompt_tokens: 9 },
})

type Answer = (signal: AbortSignal) => Response | Promise<Response>

function ask(answer: Answer, changes: Partial<EmbeddingsJob> = {}) {
  const mesh = aDispatch((_pool, signal) => answer(signal), LIMITS)
  const candidate = must(aRanking(mesh.config).ranked[0])
  const job: EmbeddingsJob = {
    inputs: ['one', 'two'],
    params: {},
    modelVersion: '1',
    cacheSalt: 'salt',
    origin: must(mesh.config.regions[0]),
    endsByMs: mesh.runtime.now() + 60_000,
    signal: new AbortController().signal,
    takeRoom: () => true,
    ...changes,
  }
  return { mesh, asked: askForEmbeddings(candidate, job, mesh.dependencies) }
}

async function pass({ runtime }: DispatchSetUp, ms: number): Promise<void> {
  // What can happen now happens before time passes.
  await vi.advanceTimersByTimeAsync(0)
  runtime.advance(ms)
  await vi.advanceTimersByTimeAsync(ms)
}

/** An answer whose headers are here, and whose body a test says. */
function heldAnswer(): { readonly answer: Answer; readonly held: () => HeldBody } {
  let held: HeldBody | undefined
  return {
    answer: (signal) => {
      held = heldBody(signal)
      return new Response(held.body)
    },
    held: () => must(held),
  }
}

const never: Answer = (signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new TypeError('aborted')))
  })

test('an answer is its vectors and its count', async () => {
  const { asked } = ask(() => new Response(ANSWER))
  expect(await asked).toMatchObject({ ok: true, value: { promptTokens: 9, vectors: { length: 2 } } })
})

describe('whose fault it is:', () => {
  const TIMEOUT = { kind: 'fault', fault: 'timeout' }

  test('the pool’s, which does not begin in time', async () => {
    const { mesh, asked } = ask(never)
    await pass(mesh, 1000)
    expect(await asked).toEqual({ ok: false, error: TIMEOUT })
  })

  test('nobody’s, where the client gave it less', async () => {
    const { mesh, asked } = ask(never, { endsByMs: 1_000_000 + 999 })
    await pass(mesh, 999)
    expect(await asked).toEqual({ ok: false, error: { kind: 'final', error: { reason: 'pool_timeout' } } })
  })

  test('the pool’s, which falls silent in its answer', async () => {
    const { answer, held } = heldAnswer()
    const { mesh, asked } = ask(answer)
    await pass(mesh, 0)
    held().say(ANSWER.slice(0, 20))
    await pass(mesh, 5000)
    expect(await asked).toEqual({ ok: false, error: { ...TIMEOUT, died: true } })
  })

  test('the pool’s, which does not end in time', async () => {
    const { answer, held } = heldAnswer()
    const { mesh, asked } = ask(answer)
    for (let second = 0; second < 60; second += 4) {
      await pass(mesh, 4000)
      if (second < 56) held().say(' ')
    }
    expect(await asked).toEqual({ ok: false, error: TIMEOUT })
  })

  test('the pool’s, whose connection breaks', async () => {
    const { answer, held } = heldAnswer()
    const { mesh, asked } = ask(answer)
    await pass(mesh, 0)
    held().say(ANSWER.slice(0, 20))
    held().break()
    await pass(mesh, 0)
    expect(await asked).toEqual({
      ok: false,
      error: { kind: 'fault', fault: 'server_error', died: true },
    })
  })

  test('nobody’s, where the client has left', async () => {
    const client = new AbortController()
    const { answer, held } = heldAnswer()
    const { mesh, asked } = ask(answer, { signal: client.signal })
    await pass(mesh, 0)
    held().say(ANSWER.slice(0, 20))
    client.abort()
    await pass(mesh, 0)
    expect(await asked).toEqual({ ok: false, error: { kind: 'cancelled' } })
  })

  test('ours, where there is no room for the vectors; the connection is closed', async () => {
    const taken: number[] = []
    const { answer, held } = heldAnswer()
    const { mesh, asked } = ask(answer, {
      takeRoom: (bytes) => {
        taken.push(bytes)
        return bytes === 0
      },
    })
    await pass(mesh, 0)
    held().say(ANSWER.slice(0, 10))
    await pass(mesh, 0)
    held().say(ANSWER.slice(10, 50))
    await pass(mesh, 0)
    expect(await asked).toEqual({ ok: false, error: { kind: 'final', error: { reason: 'edge_busy' } } })
    expect(taken).toEqual([0, 8])
    expect(() => held().say('more')).toThrow()
  })

  test.each([
    ['one vector', '{"data":[{"index":0,"embedding":[1]}]}'],
    ['no JSON', '<html></html>'],
    ['half an answer', ANSWER.slice(0, -1)],
    ['nothing', ''],
    ['more than two vectors can take', ' '.repeat(2 * 1024 * 1024)],
  ])('the pool’s, which answers %s', async (_name, text) => {
    const { mesh, asked } = ask(() => new Response(text))
    await pass(mesh, 0)
    expect(await asked).toEqual({ ok: false, error: { kind: 'fault', fault: 'server_error' } })
  })

  test.each([
    [400, { kind: 'final', error: { reason: 'pool_rejected_request' } }],
    [404, { kind: 'final', error: { reason: 'pool_misconfigured' } }],
    [501, { kind: 'final', error: { reason: 'pool_misconfigured' } }],
    [429, { kind: 'saturated', status: 429 }],
    [500, { kind: 'fault', fault: 'server_error' }],
    [307, { kind: 'fault', fault: 'redirect', died: false }],
  ])('of status %i', async (status, error) => {
    const { mesh, asked } = ask(() => new Response('x', { status, headers: { location: 'http://x.test/' } }))
    await pass(mesh, 0)
    expect(await asked).toEqual({ ok: false, error })
  })
})
