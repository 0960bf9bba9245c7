/** What a shard wrote is read the same however its stream is cut; what cannot be understood is let go of. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AnswerFacts } from '../../../../shared/log/answer-facts.ts'
import { encodeAbout, encodeEvents, type KeptLog } from '../../../../shared/log/document.ts'
import { createGenerationLog } from '../../../../shared/log/generation-log.ts'
import {
  encodeEndLine,
  encodeFrameLine,
  encodeHeadLine,
  encodeUsageLine,
} from '../../../../shared/log/lines.ts'
import type { AnswerSource } from '../../../../workers/stream/answer-source.ts'
import { openLogAnswer } from '../../../../workers/stream/log-answer.ts'
import { must } from '../a-dispatch.ts'
import { cutStream } from '../cut-stream.ts'
import { heldBody } from '../held-body.ts'

const FACTS: AnswerFacts = {
  outcome: 'hit',
  pool: 'eu-central',
  region: 'eu-central',
  jurisdiction: 'eu',
  attempts: 1,
  route: 'measured 5ms',
  modelVersion: '1',
  createdAtMs: 1,
  firstTokenMs: 5,
}
const HEAD = encodeHeadLine({ facts: FACTS, take: 'take-1' })
const USAGE = { promptTokens: 5, completionTokens: 2, raw: '{"prompt_tokens":5,"completion_tokens":2}' }
const FRAMES = ['{"choices":["Grüße ✓"]}', '{"choices":["👩‍🚀"]}']
const LOG =
  HEAD +
  FRAMES.map((members) => encodeFrameLine({ members })).join('') +
  encodeUsageLine(USAGE) +
  encodeEndLine({ outcome: 'completed' })

const runtime = { now: () => Date.now() }
const stays = () => ({ signal: new AbortController().signal, runtime })
const of = ({ signal }: AbortController) => ({ signal, runtime })

async function open(stream: ReadableStream<Uint8Array>) {
  const opened = await openLogAnswer(stream, stays())
  return must(opened.ok ? opened.value : undefined)
}

async function readAll(source: AnswerSource) {
  const members: string[] = []
  let usage: unknown
  for (;;) {
    const step = await source.next()
    members.push(...step.members)
    usage = step.usage ?? usage
    if (step.outcome !== undefined) return { members, usage, outcome: step.outcome }
  }
}

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

test('tokens are those of the last frame that states them', async () => {
  const lines = [{ tokens: 1 }, { tokens: 2 }, {}].map((tokens) =>
    encodeFrameLine({ members: '{"choices":[]}', ...tokens }),
  )
  const { source } = await open(cutStream(HEAD + lines.join('')))
  expect(await source.next()).toMatchObject({ tokens: 2 })
})

describe('a shard that says nothing', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is lost after five seconds, before its head as after it, and is let go of', async () => {
    let cancels = 0
    const silent = (text: string) =>
      new ReadableStream<Uint8Array>({
        start: (controller) => (text === '' ? undefined : controller.enqueue(new TextEncoder().encode(text))),
        cancel: () => void (cancels += 1),
      })
    const before = openLogAnswer(silent(''), stays())
    const { source } = await open(silent(HEAD))
    const after = source.next()
    await vi.advanceTimersByTimeAsync(4999)
    expect(cancels).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(await before).toEqual({ ok: false, error: { reason: 'broken' } })
    expect(await after).toEqual({ members: [], outcome: 'truncated', isLogLost: true })
    expect(cancels).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('but shows that it lives is waited for', async () => {
    const held = heldBody()
    const { source } = await openHeld(held)
    let isOver = false
    const next = source.next().finally(() => {
      isOver = true
    })
    for (let beat = 0; beat < 20; beat += 1) {
      await vi.advanceTimersByTimeAsync(500)
      held.say('\n')
    }
    expect(isOver).toBe(false)
    held.say(encodeEndLine({ outcome: 'completed' }))
    expect(await next).toEqual({ members: [], outcome: 'completed' })
  })

  async function openHeld(held: ReturnType<typeof heldBody>) {
    const opening = openLogAnswer(held.body, stays())
    held.say(HEAD)
    const opened = await opening
    return must(opened.ok ? opened.value : undefined)
  }
})

describe('a copy that the shard offers', () => {
  const log = createGenerationLog('chat', 8)
  log.producedBy({ pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu' })
  for (const [index, members] of FRAMES.entries()) {
    const isLast = index === FRAMES.length - 1
    log.append({
      members,
      hasContent: true,
      completionTokens: index + 1,
      finishes: isLast ? [{ index: 0, reason: 'stop' }] : [],
      text: 'x',
    })
  }
  log.count(USAGE)
  log.seal()
  const kept: KeptLog = {
    log,
    life: { model: 'story', modelVersion: '1', createdAtMs: 1, expiresAtMs: 2 },
    origin: { attempts: 1, route: 'measured 5ms', firstTokenMs: 5 },
  }
  const text =
    encodeHeadLine({ facts: FACTS, take: 'take-1', copy: encodeAbout(kept) }) +
    encodeEvents(log, 0) +
    encodeUsageLine(USAGE) +
    encodeEndLine({ outcome: 'completed' })

  test('is taken when all of it has been read, however the stream is cut, and only then', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (cuts) => {
        const copies: KeptLog[] = []
        const opened = await openLogAnswer(cutStream(text, cuts), {
          ...stays(),
          onCopy: (copy) => copies.push(copy),
        })
        const { source } = must(opened.ok ? opened.value : undefined)
        expect(copies).toEqual([])
        expect((await readAll(source)).members).toEqual(FRAMES)
        expect(copies).toHaveLength(1)
        const [copy] = copies
        expect(copy?.log.summary()).toEqual(log.summary())
        expect(copy && encodeEvents(copy.log, 0)).toBe(encodeEvents(log, 0))
        expect(copy?.life).toEqual(kept.life)
      }),
      { numRuns: 100 },
    )
  })

  test('is not taken of what was cut, nor of what is less than it says', async () => {
    const copies: KeptLog[] = []
    const [first = ''] = encodeEvents(log, 0).split('\n')
    const cuts = [text.slice(0, text.lastIndexOf('e{')), text.replace(`${first}\n`, '')]
    for (const cut of cuts) {
      const opened = await openLogAnswer(cutStream(cut), { ...stays(), onCopy: (copy) => copies.push(copy) })
      await readAll(must(opened.ok ? opened.value : undefined).source)
    }
    expect(copies).toEqual([])
  })
})
