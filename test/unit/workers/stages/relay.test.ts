/** A relay ends in exactly one way, says so once, and never makes a cut answer look like a whole one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GatewayError } from '../../../../shared/errors.ts'
import { ANSWER_OUTCOMES } from '../../../../shared/log/answer-facts.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Edge } from '../../../../workers/edge.ts'
import {
  foldAnswer,
  streamAnswer,
  type RelayReader,
  type StreamEnd,
} from '../../../../workers/stages/relay.ts'
import type { AnswerSource, AnswerStep } from '../../../../workers/stream/answer-source.ts'
import { aRuntime } from '../a-runtime.ts'
import { aReader, aSource } from '../an-answered.ts'

const USAGE = {
  promptTokens: 5,
  completionTokens: 2,
  raw: '{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}',
}
const members = (content: string, reason: string | null = null): string =>
  JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: reason }] })
const WHOLE: readonly AnswerStep[] = [
  { members: [members('He'), members('llo')] },
  { members: [] },
  { members: [members('.', 'stop')], usage: USAGE, outcome: 'completed' },
]

interface Streamed {
  readonly stream: ReadableStream<Uint8Array>
  readonly ends: StreamEnd[]
  readonly leaves: () => number
  readonly logged: readonly object[]
}

function streamOf(
  answer: Promise<Result<AnswerSource, GatewayError>>,
  reader: Partial<RelayReader> = {},
): Streamed {
  const ends: StreamEnd[] = []
  const logged: object[] = []
  let leaves = 0
  // Of the edge, a relay needs what is here.
  const edge = {
    runtime: aRuntime({ log: (line) => logged.push(line) }),
    mesh: { config: { limits: { keep_alive_ms: 60_000 } } },
  } as unknown as Edge
  const stream = streamAnswer(
    {
      reader: aReader(reader),
      requestId: 'req_1',
      answer,
      isEarly: false,
      onLeave: () => {
        leaves += 1
      },
      onEnd: (end) => ends.push(end),
    },
    edge,
  )
  return { stream, ends, leaves: () => leaves, logged }
}

const begun = (source: AnswerSource) => Promise.resolve(ok(source))

async function eventsOf(stream: ReadableStream<Uint8Array>): Promise<readonly string[]> {
  const text = await new Response(stream).text()
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => event.replace('data: ', ''))
}

async function relay(steps: readonly AnswerStep[], reader: Partial<RelayReader> = {}) {
  const source = aSource(steps)
  const { stream, ends } = streamOf(begun(source), reader)
  return { events: await eventsOf(stream), ends, source }
}

describe('a whole answer', () => {
  test('is its frames in order, then the end', async () => {
    const { events, ends, source } = await relay(WHOLE)
    const contents = events
      .slice(0, -1)
      .map((event) => JSON.parse(event) as { choices: { delta: { content: string } }[] })
      .map(({ choices }) => choices[0]?.delta.content)
    expect(contents).toEqual(['He', 'llo', '.'])
    expect(events.at(-1)).toBe('[DONE]')
    expect(ends).toEqual([{ end: { outcome: 'completed', usage: USAGE } }])
    expect(source.cancels).toBe(0)
  })

  test('shows usage to who asked for it, in a chunk of its own before the end', async () => {
    const asked = (await relay(WHOLE, { includeUsage: true })).events
    expect(JSON.parse(asked.at(-2) ?? '')).toMatchObject({
      choices: [],
      usage: JSON.parse(USAGE.raw) as unknown,
    })
    expect((await relay(WHOLE)).events.join('')).not.toContain('usage')
  })

  test('keeps counts that came before the end', async () => {
    const { ends } = await relay([
      { members: [], usage: USAGE },
      { members: [], outcome: 'completed' },
    ])
    expect(ends).toEqual([{ end: { outcome: 'completed', usage: USAGE } }])
  })
})

describe('a cut answer', () => {
  test.each([
    ['truncated', 'stream_truncated'],
    ['upstream_error', 'pool_stream_error'],
    ['stalled', 'stream_stalled'],
    ['timed_out', 'total_timeout'],
  ] as const)('%s is an error event, then the end that SDKs wait for', async (outcome, code) => {
    const { events, ends } = await relay(
      [{ members: [members('He')] }, { members: [], usage: USAGE, outcome }],
      { includeUsage: true },
    )
    expect(events).toHaveLength(3)
    expect(JSON.parse(events[1] ?? '')).toMatchObject({ error: { code } })
    expect(events[2]).toBe('[DONE]')
    expect(ends).toEqual([{ end: { outcome, usage: USAGE }, error: code }])
  })

  test.each(ANSWER_OUTCOMES.filter((outcome) => outcome !== 'completed'))(
    '%s is no JSON answer either',
    async (outcome) => {
      const source = aSource([{ members: [members('He', 'stop')] }, { members: [], outcome }])
      const folded = await foldAnswer({ ...aReader(), source })
      expect(folded).not.toHaveProperty('json')
      expect(folded).toMatchObject({ end: { outcome } })
    },
  )
})

test('a client that leaves lets go of the source, once, and is told from every other end', async () => {
  for (const readsFirst of [0, 1]) {
    const source = aSource([{ members: [members('He')] }])
    const { stream, ends, leaves } = streamOf(begun(source))
    const reader = stream.getReader()
    for (let index = 0; index < readsFirst; index += 1) await reader.read()
    await reader.cancel()
    await reader.cancel()
    expect(ends).toEqual([{ end: { outcome: 'client_cancelled' } }])
    expect(source.cancels).toBe(1)
    expect(leaves()).toBe(1)
  }
})

test('an end that arrives after the client has left is not a second one', async () => {
  let finish: (step: AnswerStep) => void = () => undefined
  const source = {
    next: () => new Promise<AnswerStep>((resolve) => (finish = resolve)),
    cancel: () => finish({ members: [], outcome: 'completed' }),
  }
  const { stream, ends } = streamOf(begun(source))
  const reader = stream.getReader()
  const read = reader.read()
  await reader.cancel()
  await read
  expect(ends).toEqual([{ end: { outcome: 'client_cancelled' } }])
})

describe('an answer that does not begin', () => {
  test('fails in-band, with its code, and no answer is recorded', async () => {
    const { stream, ends } = streamOf(Promise.resolve(err({ reason: 'pool_timeout' })))
    const [error, done, ...more] = await eventsOf(stream)
    expect(JSON.parse(error ?? '')).toEqual({
      id: 'chatcmpl-0123456789ab',
      object: 'chat.completion.chunk',
      created: 1000,
      model: 'story',
      error: {
        message: 'No pool began to answer in time.',
        type: 'server_error',
        param: null,
        code: 'pool_timeout',
      },
    })
    expect([done, more]).toEqual(['[DONE]', []])
    expect(ends).toEqual([{ error: 'pool_timeout' }])
  })

  test('because something broke says so in-band, and nothing of it', async () => {
    const { stream, ends, logged } = streamOf(Promise.reject(new RangeError('a secret')))
    const events = await eventsOf(stream)
    expect(JSON.parse(events[0] ?? '')).toMatchObject({ error: { code: 'internal_error' } })
    expect(events[1]).toBe('[DONE]')
    expect(ends).toEqual([{ error: 'internal_error' }])
    expect(logged).toEqual([{ event: 'internal_error', request_id: 'req_1', class: 'RangeError' }])
    expect(events.join()).not.toContain('secret')
  })

  test('is not waited for by a client that has left, and let go of if it begins all the same', async () => {
    const source = aSource([{ members: [members('He')] }])
    let begin: () => void = () => undefined
    const answer = new Promise<void>((resolve) => {
      begin = resolve
    }).then(() => begun(source))
    const { stream, ends, leaves } = streamOf(answer)
    await stream.cancel()
    expect(leaves()).toBe(1)
    expect(ends).toEqual([{ end: { outcome: 'client_cancelled' } }])
    begin()
    await expect.poll(() => source.cancels).toBe(1)
    expect(ends).toHaveLength(1)
  })
})

test('a client that does not read is not read ahead for', async () => {
  const source = aSource(Array(100).fill({ members: [members('x')] }))
  const reader = streamOf(begun(source)).stream.getReader()
  await reader.read()
  await Promise.resolve()
  expect(source.reads).toBeLessThanOrEqual(2)
  await reader.cancel()
})

test('whatever steps come and whenever the client leaves, there is exactly one end', async () => {
  const step = fc.record({ members: fc.array(fc.constant(members('x')), { maxLength: 3 }) })
  const outcome = fc.constantFrom(...ANSWER_OUTCOMES)
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 6 }),
      outcome,
      fc.nat(8),
      async (steps, end, readsBefore) => {
        const { stream, ends } = streamOf(begun(aSource([...steps, { members: [], outcome: end }])))
        const reader = stream.getReader()
        let isDone = false
        for (let read = 0; read < readsBefore && !isDone; read += 1) isDone = (await reader.read()).done
        await reader.cancel()
        expect(ends).toHaveLength(1)
        expect([end, 'client_cancelled']).toContain(ends[0]?.end?.outcome)
      },
    ),
  )
})

test('a whole answer folds into one JSON, with the client’s own name of the model', async () => {
  const folded = await foldAnswer({ ...aReader(), source: aSource(WHOLE) })
  expect(JSON.parse('json' in folded ? folded.json : '')).toMatchObject({
    id: 'chatcmpl-0123456789ab',
    object: 'chat.completion',
    model: 'story',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
  })
})
