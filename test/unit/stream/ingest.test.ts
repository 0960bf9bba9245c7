import { describe, expect, test } from 'vitest'
import type { Frame, Usage } from '../../../shared/log/frame.ts'
import { createIngest } from '../../../shared/stream/ingest.ts'
import type { UpstreamEvent } from '../../../shared/stream/upstream-event.ts'

/** A tiny dialect, so that the machine is tested apart from JSON: the event's data names the event. */
const EVENTS: Readonly<Record<string, UpstreamEvent>> = {
  hi: frame('hi', [0]),
  there: frame('there', [0], [], 2),
  stop: frame('stop', [0], [{ index: 0, reason: 'stop' }]),
  'hi 1': frame('hi 1', [1]),
  'length 1': frame('length 1', [1], [{ index: 1, reason: 'length' }]),
  'both stop': frame(
    'both stop',
    [0, 1],
    [
      { index: 1, reason: 'stop' },
      { index: 0, reason: 'stop' },
    ],
  ),
  gaveUp: frame('gaveUp', [0], [{ index: 0, reason: 'error' }]),
  aborted: frame('aborted', [0], [{ index: 0, reason: 'abort' }]),
  running: { ...frame('running', [0]), usage: usage(1) },
  final: { kind: 'usage', usage: usage(9) },
  nothing: { kind: 'ignored' },
  failed: { kind: 'error' },
  done: { kind: 'done' },
}

function frame(
  name: string,
  indexes: readonly number[],
  finishes: Frame['finishes'] = [],
  completionTokens?: number,
): UpstreamEvent & { kind: 'frame' } {
  const count = completionTokens === undefined ? {} : { completionTokens }
  return { kind: 'frame', frame: { members: name, hasContent: true, finishes, ...count }, indexes }
}

function usage(completionTokens: number): Usage {
  return { promptTokens: 3, completionTokens, raw: '{}' }
}

function run(names: readonly string[], expectedChoices = 1) {
  const ingest = createIngest({
    surface: 'chat',
    readEvent: (_, data) => EVENTS[data] ?? { kind: 'error' },
    expectedChoices,
  })
  const steps = names.flatMap((name) => ingest.push(`data: ${name}\n\n`))
  const frames = steps.flatMap((step) => (step.kind === 'frame' ? [step.frame.members] : []))
  return { frames, ends: steps.filter(({ kind }) => kind === 'end').length, end: ingest.end() }
}

describe('the end', () => {
  test.each([
    [['hi', 'stop', 'done'], 'completed'],
    [['hi', 'stop'], 'completed'],
    [['hi', 'stop', 'final', 'done'], 'completed'],
    [['hi', 'nothing', 'stop', 'nothing', 'done'], 'completed'],
    [['hi', 'done'], 'truncated'],
    [['hi'], 'truncated'],
    [['done'], 'truncated'],
    [[], 'truncated'],
    [['hi', 'done', 'stop'], 'truncated'],
    [['hi', 'stop', 'hi 1', 'done'], 'truncated'],
    [['hi', 'stop', 'hi 1', 'length 1', 'done'], 'completed'],
    [['hi', 'failed', 'stop', 'done'], 'upstream_error'],
    [['hi', 'stop', 'failed', 'done'], 'upstream_error'],
    [['hi', 'gaveUp', 'done'], 'upstream_error'],
    [['hi', 'aborted', 'done'], 'upstream_error'],
    [['hi', 'not an event of ours', 'stop', 'done'], 'upstream_error'],
  ])('of %j is %s', (names, outcome) => {
    expect(run(names).end.outcome).toBe(outcome)
  })

  test.each([
    [['stop', 'done'], 2, 'truncated'],
    [['stop', 'length 1', 'done'], 2, 'completed'],
    [['both stop'], 2, 'completed'],
    [['both stop', 'done'], 3, 'truncated'],
  ])('of %j is, when %i choices were asked for, %s', (names, expectedChoices, outcome) => {
    expect(run(names, expectedChoices).end.outcome).toBe(outcome)
  })

  test('comes as a step as soon as the pool said it was done or failed, and only once', () => {
    expect(run(['hi', 'stop', 'done', 'done', 'failed']).ends).toBe(1)
    expect(run(['hi', 'failed', 'failed', 'done']).ends).toBe(1)
    expect(run(['hi', 'stop']).ends).toBe(0)
  })

  test('stays as it was when the connection then closes', () => {
    expect(run(['hi', 'failed']).end.outcome).toBe('upstream_error')
  })

  test('lists the finishes by choice, each once', () => {
    expect(run(['both stop', 'length 1', 'done'], 2).end.finishes).toEqual([
      { index: 0, reason: 'stop' },
      { index: 1, reason: 'length' },
    ])
  })
})

describe('the frames', () => {
  test('come in order, and none after the end', () => {
    expect(run(['hi', 'there', 'stop', 'done', 'hi']).frames).toEqual(['hi', 'there', 'stop'])
    expect(run(['hi', 'failed', 'there', 'stop']).frames).toEqual(['hi'])
  })

  test('leave out the one by which an engine says that it gave up', () => {
    expect(run(['hi', 'gaveUp']).frames).toEqual(['hi'])
  })

  test('after a failure in the same chunk do not come', () => {
    const ingest = createIngest({
      surface: 'chat',
      readEvent: (_, data) => EVENTS[data] ?? { kind: 'error' },
      expectedChoices: 1,
    })
    const steps = ingest.push('data: hi\n\nevent: error\ndata: stop\n\ndata: there\n\n')
    expect(steps.map(({ kind }) => kind)).toEqual(['frame', 'end'])
  })

  test('state running counts, and the text, only when there is one choice they can be of', () => {
    const read = (expectedChoices: number) => {
      const there = frame('there', [0], [], 2)
      const readEvent = () => ({ ...there, frame: { ...there.frame, text: 'there' } })
      const [step] = createIngest({ surface: 'chat', readEvent, expectedChoices }).push('data: x\n\n')
      return step?.kind === 'frame' ? step.frame : 'no frame'
    }
    const common = { members: 'there', hasContent: true, finishes: [] }
    expect(read(1)).toEqual({ ...common, completionTokens: 2, text: 'there' })
    expect(read(2)).toEqual(common)
  })
})

describe('the usage', () => {
  test.each([
    [['hi', 'stop', 'done'], undefined],
    [['running', 'stop', 'done'], 1],
    [['running', 'stop', 'final', 'done'], 9],
    [['running', 'failed', 'final'], 1],
    [['hi', 'stop', 'done', 'final'], undefined],
  ])('after %j is the last stated before the end: %s', (names, completionTokens) => {
    expect(run(names).end.usage?.completionTokens).toBe(completionTokens)
  })

  test('is known while the answer runs, as it was last stated', () => {
    const readEvent = (_: unknown, data: string) => EVENTS[data] ?? ({ kind: 'error' } as const)
    const ingest = createIngest({ surface: 'chat', readEvent, expectedChoices: 1 })
    const seen = ['hi', 'running', 'stop', 'final', 'done'].map((name) => {
      ingest.push(`data: ${name}\n\n`)
      return ingest.usage()?.completionTokens
    })
    expect(seen).toEqual([undefined, 1, 1, 9, 9])
  })
})

test('an event that is too large is a failure of the pool', () => {
  const ingest = createIngest({
    surface: 'chat',
    readEvent: (_, data) => EVENTS[data] ?? { kind: 'error' },
    expectedChoices: 1,
    maxEventChars: 10,
  })
  const steps = [
    ...ingest.push('data: hi\n\ndata: 123456'),
    ...ingest.push('7890123456'),
    ...ingest.push('\n\n'),
  ]
  expect(steps.map(({ kind }) => kind)).toEqual(['frame', 'end'])
  expect(ingest.end().outcome).toBe('upstream_error')
})
