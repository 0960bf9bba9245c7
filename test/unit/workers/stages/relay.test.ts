/** A relay ends in exactly one way, says so once, and never makes a cut answer look like a whole one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ANSWER_OUTCOMES } from '../../../../shared/log/answer-facts.ts'
import { foldAnswer, streamAnswer, type RelayEnd } from '../../../../workers/stages/relay.ts'
import type { AnswerStep } from '../../../../workers/stream/answer-source.ts'
import { anEdge, answeredFrom, aSource } from '../an-answered.ts'

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

async function relay(steps: readonly AnswerStep[], includeUsage = false) {
  const ends: RelayEnd[] = []
  const source = aSource(steps)
  const stream = streamAnswer(answeredFrom(source, includeUsage), anEdge(), (end) => ends.push(end))
  const text = await new Response(stream).text()
  const events = text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => event.replace('data: ', ''))
  return { events, ends, source }
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
    expect(ends).toEqual([{ outcome: 'completed', usage: USAGE }])
    expect(source.cancels).toBe(0)
  })

  test('shows usage to who asked for it, in a chunk of its own before the end', async () => {
    const asked = (await relay(WHOLE, true)).events
    expect(JSON.parse(asked.at(-2) ?? '')).toMatchObject({
      choices: [],
      usage: JSON.parse(USAGE.raw) as unknown,
    })
    expect((await relay(WHOLE, false)).events.join('')).not.toContain('usage')
  })

  test('keeps counts that came before the end', async () => {
    const { ends } = await relay([
      { members: [], usage: USAGE },
      { members: [], outcome: 'completed' },
    ])
    expect(ends).toEqual([{ outcome: 'completed', usage: USAGE }])
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
      true,
    )
    expect(events).toHaveLength(3)
    expect(JSON.parse(events[1] ?? '')).toMatchObject({ error: { code } })
    expect(events[2]).toBe('[DONE]')
    expect(ends).toEqual([{ outcome, usage: USAGE }])
  })

  test.each(ANSWER_OUTCOMES.filter((outcome) => outcome !== 'completed'))(
    '%s is no JSON answer either',
    async (outcome) => {
      const folded = await foldAnswer(
        answeredFrom(aSource([{ members: [members('He', 'stop')] }, { members: [], outcome }])),
        anEdge(),
      )
      expect(folded).not.toHaveProperty('json')
      expect(folded).toMatchObject({ end: { outcome } })
    },
  )
})

test('a client that leaves lets go of the source, once, and is told from every other end', async () => {
  for (const readsFirst of [0, 1]) {
    const ends: RelayEnd[] = []
    const source = aSource([{ members: [members('He')] }])
    const reader = streamAnswer(answeredFrom(source), anEdge(), (end) => ends.push(end)).getReader()
    for (let index = 0; index < readsFirst; index += 1) await reader.read()
    await reader.cancel()
    await reader.cancel()
    expect(ends).toEqual([{ outcome: 'client_cancelled' }])
    expect(source.cancels).toBe(1)
  }
})

test('an end that arrives after the client has left is not a second one', async () => {
  const ends: RelayEnd[] = []
  let finish: (step: AnswerStep) => void = () => undefined
  const source = {
    next: () => new Promise<AnswerStep>((resolve) => (finish = resolve)),
    cancel: () => finish({ members: [], outcome: 'completed' }),
  }
  const reader = streamAnswer(answeredFrom(source), anEdge(), (end) => ends.push(end)).getReader()
  const read = reader.read()
  await reader.cancel()
  await read
  expect(ends).toEqual([{ outcome: 'client_cancelled' }])
})

test('a client that does not read is not read ahead for', async () => {
  const source = aSource(Array(100).fill({ members: [members('x')] }))
  const reader = streamAnswer(answeredFrom(source), anEdge(), () => undefined).getReader()
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
        const ends: RelayEnd[] = []
        const source = aSource([...steps, { members: [], outcome: end }])
        const reader = streamAnswer(answeredFrom(source), anEdge(), (ended) => ends.push(ended)).getReader()
        let isDone = false
        for (let read = 0; read < readsBefore && !isDone; read += 1) isDone = (await reader.read()).done
        await reader.cancel()
        expect(ends).toHaveLength(1)
        const [{ outcome: told }] = ends as [RelayEnd]
        expect([end, 'client_cancelled']).toContain(told)
      },
    ),
  )
})

test('a whole answer folds into one JSON, with the client’s own name of the model', async () => {
  const folded = await foldAnswer(answeredFrom(aSource(WHOLE)), anEdge())
  expect(JSON.parse('json' in folded ? folded.json : '')).toMatchObject({
    id: 'chatcmpl-0123456789ab',
    object: 'chat.completion',
    model: 'story',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
  })
})
