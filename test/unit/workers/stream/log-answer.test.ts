/** What a shard wrote is read the same however its stream is cut; what cannot be understood is let go of. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeEndLine,
  encodeFrameLine,
  encodeHeadLine,
  encodeUsageLine,
} from '../../../../shared/log/lines.ts'
import { openLogAnswer } from '../../../../workers/stream/log-answer.ts'
import { must } from '../a-dispatch.ts'
import { cutStream } from '../cut-stream.ts'
import { heldBody } from '../held-body.ts'
import { FACTS, FRAMES, HEAD, LOG, of, open, readAll, stays, USAGE } from '../a-log-text.ts'

test('is the same however the stream is cut, and loses neither frames nor counts', async () => {
  const whole = { members: FRAMES, usage: USAGE, outcome: 'completed' }
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 30 }), async (cuts) => {
      const { facts, source } = await open(cutStream(LOG, cuts))
      expect(facts).toEqual(FACTS)
      expect(await readAll(source)).toEqual(whole)
    }),
    { numRuns: 200 },
  )
})

test('counts that come in a chunk of their own are kept', async () => {
  const end = new TextEncoder().encode(LOG).length - encodeEndLine({ outcome: 'completed' }).length
  const { source } = await open(cutStream(LOG, [end - encodeUsageLine(USAGE).length, end]))
  expect((await readAll(source)).usage).toEqual(USAGE)
})

test('cut off anywhere it never looks whole', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: LOG.length - 1 }), async (length) => {
      const opened = await openLogAnswer(cutStream(LOG.slice(0, length)), stays())
      if (!opened.ok) expect(opened.error).toEqual({ reason: 'broken' })
      else expect((await readAll(opened.value.source)).outcome).toBe('truncated')
    }),
  )
})

describe('a head that cannot be understood is as good as none, and the shard is let go of', () => {
  test.each([
    ['no JSON', 'h{"facts":\n'],
    ['no object', 'hnull\n'],
    ['facts of another shape', encodeHeadLine({ facts: { ...FACTS, attempts: 'one' }, take: 'take-1' })],
    [
      'an outcome of a later version',
      encodeHeadLine({ facts: { ...FACTS, outcome: 'telepathy' }, take: 'take-1' }),
    ],
    ['facts of no log', encodeHeadLine({ facts: FACTS })],
    ['a log without a name', encodeHeadLine({ facts: FACTS, take: 7 })],
    ['a refusal of a later version', encodeHeadLine({ refused: { reason: 'not_in_the_mood' } })],
    ['a refusal named like a method', encodeHeadLine({ refused: { reason: 'toString' } })],
    ['a frame first', encodeFrameLine({ members: '{"choices":[]}' }) + HEAD],
  ])('%s', async (_name, text) => {
    let cancels = 0
    const stream = cutStream(text + LOG, [text.length], () => {
      cancels += 1
    })
    expect(await openLogAnswer(stream, stays())).toEqual({ ok: false, error: { reason: 'broken' } })
    expect(cancels).toBe(1)
  })

  test('lines of kinds it does not know are passed over', async () => {
    const { source } = await open(cutStream(`\nz{"new":1}\n${HEAD}\nq1\n${LOG.slice(HEAD.length)}`))
    expect(await readAll(source)).toEqual({ members: FRAMES, usage: USAGE, outcome: 'completed' })
  })

  test('an end of a later version is no whole answer', async () => {
    const { source } = await open(cutStream(HEAD + encodeEndLine({ outcome: 'fine' })))
    expect((await source.next()).outcome).toBe('truncated')
  })
})

test('a refusal is handed over as it is', async () => {
  const error = { reason: 'no_eligible_pool', retryAfterSeconds: 7 }
  expect(await openLogAnswer(cutStream(encodeHeadLine({ refused: error })), stays())).toEqual({
    ok: false,
    error,
  })
})

test('a reader who leaves before the head cancels the stream, and does not wait for it', async () => {
  const client = new AbortController()
  let cancels = 0
  const never = new ReadableStream<Uint8Array>({ cancel: () => void (cancels += 1) })
  const opened = openLogAnswer(never, of(client))
  client.abort()
  expect(await opened).toEqual({ ok: false, error: { reason: 'broken' } })
  expect(cancels).toBe(1)
  const late = new ReadableStream<Uint8Array>({ cancel: () => void (cancels += 1) })
  expect((await openLogAnswer(late, of(client))).ok).toBe(false)
  expect(cancels).toBe(2)
})

test('a stream that breaks in the middle has lost its log, and one that is left has not', async () => {
  for (const [end, last] of [
    ['break', { members: [], outcome: 'truncated', isLogLost: true }],
    ['leave', { members: [], outcome: 'client_cancelled' }],
  ] as const) {
    const held = heldBody()
    const opening = openLogAnswer(held.body, stays())
    held.say(HEAD)
    const opened = await opening
    const { source } = must(opened.ok ? opened.value : undefined)
    const next = source.next()
    if (end === 'break') held.break()
    else source.cancel()
    expect(await next).toEqual(last)
  }
})

test.each(['busy', 'gone'] as const)(
  'a shard that declines (%s) is let go of, and says so',
  async (declined) => {
    let cancels = 0
    const stream = cutStream(`${encodeHeadLine({ declined })}\n`, [1], () => {
      cancels += 1
    })
    expect(await openLogAnswer(stream, stays())).toEqual({ ok: false, error: { reason: declined } })
    expect(cancels).toBe(1)
  },
)

test('who made it, and how much there is of it, come with the end', async () => {
  const end = { outcome: 'completed', pools: ['eu-1', 'us-1'], events: 7 }
  const { source } = await open(cutStream(HEAD + encodeEndLine(end)))
  expect(await source.next()).toEqual({ members: [], ...end })
})

test('tokens are those of the last frame, if it states them', async () => {
  const lines = [{ tokens: 1 }, { tokens: 2 }, {}].map((tokens) =>
    encodeFrameLine({ members: '{"choices":[]}', ...tokens }),
  )
  const counted = await open(cutStream(HEAD + lines.slice(0, 2).join('')))
  expect(await counted.source.next()).toMatchObject({ tokens: 2 })
  // What comes uncounted makes the count before it wrong.
  const { source } = await open(cutStream(HEAD + lines.join('')))
  expect(await source.next()).not.toHaveProperty('tokens')
})
