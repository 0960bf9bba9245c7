/** A reader whose log is lost gets the rest all the same: from the log, or from a pool that goes on from his own text. */
import { describe, expect, test } from 'vitest'
import type { BegunAnswer } from '../../../../workers/outgoing/ask-pool.ts'
import type { AnswerSource, AnswerStep } from '../../../../workers/stream/answer-source.ts'
import { survivingSource, type SurvivalOptions } from '../../../../workers/stream/surviving-source.ts'
import { TOKENS, WHOLE_TEXT } from '../../../support/token-engine.ts'
import { aSource } from '../an-answered.ts'

const LOST: AnswerStep = { members: [], outcome: 'truncated', isLogLost: true }
const ROLE = '{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}'
const FINISH = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
const EVENTS = [ROLE, ...TOKENS.map((token) => membersOf(token)), FINISH]

function membersOf(content: string): string {
  return JSON.stringify({ choices: [{ index: 0, delta: { content } }] })
}

/** What is there of the log from one event to another, each event in a step of its own. */
function stepsOf(from: number, to: number, counts = true): AnswerStep[] {
  return EVENTS.slice(from, to).map((members, index) => ({
    members: [members],
    ...(counts ? { tokens: Math.min(from + index, TOKENS.length) } : {}),
  }))
}

/** The end of the log as it is read whole: its last step says so. */
function restOf(from: number): AnswerStep[] {
  return [...stepsOf(from, EVENTS.length), { members: [], outcome: 'completed' }]
}

interface Asked {
  readonly readOn: number[]
  readonly goOn: BegunAnswer[]
}

function aSurvivor(
  first: AnswerSource,
  options: Partial<SurvivalOptions> = {},
): { source: AnswerSource; asked: Asked } {
  const asked: Asked = { readOn: [], goOn: [] }
  const { readOn, goOn, ...others } = options
  const source = survivingSource(first, {
    surface: 'chat',
    mayContinue: true,
    maxCharacters: 100_000,
    readOn(events) {
      asked.readOn.push(events)
      return readOn?.(events) ?? Promise.resolve(undefined)
    },
    goOn(begun) {
      asked.goOn.push(begun)
      return goOn?.(begun) ?? Promise.resolve(undefined)
    },
    ...others,
  })
  return { source, asked }
}

async function readToEnd(source: AnswerSource) {
  const members: string[] = []
  for (;;) {
    const step = await source.next()
    members.push(...step.members)
    if (step.outcome !== undefined) return { members, outcome: step.outcome, isLogLost: step.isLogLost }
  }
}

const EVERY_EVENT = Array.from({ length: EVENTS.length + 1 }, (_, index) => index)

test('an answer whose log is not lost is handed on step by step', async () => {
  const steps = restOf(0)
  const { source, asked } = aSurvivor(aSource(steps))
  for (const step of steps) expect(await source.next()).toEqual(step)
  expect(asked).toEqual({ readOn: [], goOn: [] })
})

describe('lost after any event', () => {
  test('it is read on from just there, where the log has it', async () => {
    for (const events of EVERY_EVENT) {
      const { source, asked } = aSurvivor(aSource([...stepsOf(0, events), LOST]), {
        readOn: (from) => Promise.resolve(aSource(restOf(from))),
      })
      expect(await readToEnd(source)).toMatchObject({ members: EVENTS, outcome: 'completed' })
      expect(asked).toEqual({ readOn: [events], goOn: [] })
    }
  })

  test('and with the events that came with the loss, these are not asked for again', async () => {
    for (let events = 1; events <= EVENTS.length; events += 1) {
      const last: AnswerStep = { ...LOST, members: [EVENTS[events - 1] ?? ''] }
      const { source, asked } = aSurvivor(aSource([...stepsOf(0, events - 1), last]), {
        readOn: (from) => Promise.resolve(aSource(restOf(from))),
      })
      expect(await readToEnd(source)).toMatchObject({ members: EVENTS, outcome: 'completed' })
      expect(asked.readOn).toEqual([events])
    }
  })

  test('a pool goes on from what the reader has, where the log has less', async () => {
    for (const events of EVERY_EVENT.slice(1, -1)) {
      const { source, asked } = aSurvivor(aSource([...stepsOf(0, events), LOST]), {
        goOn: ({ tokens = 0 }) => Promise.resolve(aSource(restOf(tokens + 1))),
      })
      expect(await readToEnd(source)).toMatchObject({ members: EVENTS, outcome: 'completed' })
      const tokens = events - 1
      expect(asked.goOn).toEqual([{ text: TOKENS.slice(0, tokens).join(''), tokens }])
      expect(asked.readOn).toEqual([events])
    }
  })
})

test('counts that the log stated go with the text', async () => {
  const usage = { promptTokens: 7, completionTokens: 2, raw: '{}' }
  const [role, first, second] = stepsOf(0, 3)
  const { source, asked } = aSurvivor(
    aSource([role ?? LOST, first ?? LOST, { members: [], ...second, usage }, LOST]),
  )
  await readToEnd(source)
  expect(asked.goOn).toEqual([{ text: 'Es war', tokens: 2, usage }])
})

test('without counts the text is all that is known', async () => {
  const { source, asked } = aSurvivor(aSource([...stepsOf(0, 4, false), LOST]))
  await readToEnd(source)
  expect(asked.goOn).toEqual([{ text: 'Es war einmal' }])
})

test('a log that is lost again is left alone: a pool goes on from all of both parts', async () => {
  const { source, asked } = aSurvivor(aSource([...stepsOf(0, 5), LOST]), {
    readOn: (from) => Promise.resolve(aSource([...stepsOf(from, 9), LOST])),
    goOn: ({ tokens = 0 }) => Promise.resolve(aSource(restOf(tokens + 1))),
  })
  expect(await readToEnd(source)).toMatchObject({ members: EVENTS, outcome: 'completed' })
  expect(asked.readOn).toEqual([5])
  expect(asked.goOn).toEqual([{ text: TOKENS.slice(0, 8).join(''), tokens: 8 }])
})

describe('it ends as cut', () => {
  const lostAfter = (events: number) => aSource([...stepsOf(0, events), LOST])
  const cut = { members: EVENTS.slice(0, 5), outcome: 'truncated', isLogLost: true }

  test('when neither log nor pool has the rest', async () => {
    const { source } = aSurvivor(lostAfter(5))
    expect(await readToEnd(source)).toEqual(cut)
  })

  test('without a pool being asked, when none may go on', async () => {
    const { source, asked } = aSurvivor(lostAfter(5), { mayContinue: false })
    expect(await readToEnd(source)).toEqual(cut)
    expect(asked).toEqual({ readOn: [5], goOn: [] })
  })

  test('without a pool being asked, when more has been read than is held', async () => {
    const { source, asked } = aSurvivor(lostAfter(5), { maxCharacters: 200 })
    expect(await readToEnd(source)).toEqual(cut)
    expect(asked.goOn).toEqual([])
  })

  test('without a pool being asked, when it is more than text', async () => {
    const call = '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}'
    const { source, asked } = aSurvivor(aSource([{ members: [call] }, LOST]))
    expect(await readToEnd(source)).toEqual({ ...cut, members: [call] })
    expect(asked.goOn).toEqual([])
  })
})

test('an answer that its pool, not its log, has broken is not read again', async () => {
  const broken: AnswerStep = { members: [], outcome: 'truncated' }
  const { source, asked } = aSurvivor(aSource([...stepsOf(0, 5), broken]))
  expect(await readToEnd(source)).toMatchObject({ outcome: 'truncated' })
  expect(asked).toEqual({ readOn: [], goOn: [] })
})

describe('a reader who leaves', () => {
  test('lets go of what it is read from, be it the second', async () => {
    const second = aSource(restOf(5))
    const { source } = aSurvivor(aSource([...stepsOf(0, 5), LOST]), {
      readOn: () => Promise.resolve(second),
    })
    for (let step = 0; step <= 5; step += 1) await source.next()
    source.cancel()
    expect(second.cancels).toBe(1)
  })

  /** A reader at its fifth event, whose log is lost, and who then leaves. */
  function leaving(way: 'readOn' | 'goOn') {
    const asked = Promise.withResolvers<void>()
    const brought = Promise.withResolvers<AnswerSource | undefined>()
    const survivor = aSurvivor(aSource([...stepsOf(0, 5), LOST]), {
      [way]: () => {
        asked.resolve()
        return brought.promise
      },
    })
    return { ...survivor, isAsked: asked.promise, bring: brought.resolve }
  }

  test.each(['readOn', 'goOn'] as const)('while %s is under way, lets go of what it brings', async (way) => {
    const late = aSource(restOf(5))
    const { source, isAsked, bring } = leaving(way)
    for (let step = 0; step < 5; step += 1) await source.next()
    const next = source.next()
    await isAsked
    source.cancel()
    bring(late)
    expect(await next).toEqual({ members: [], outcome: 'client_cancelled' })
    expect(late.cancels).toBe(1)
  })

  test('while the log is asked for again, has no pool asked', async () => {
    const { source, isAsked, bring, asked } = leaving('readOn')
    for (let step = 0; step < 5; step += 1) await source.next()
    const next = source.next()
    await isAsked
    source.cancel()
    bring(undefined)
    expect(await next).toEqual({ members: [], outcome: 'client_cancelled' })
    expect(asked.goOn).toEqual([])
  })

  test('while the log was being lost, has nothing done for it', async () => {
    const { source, asked } = aSurvivor(aSource([LOST]))
    source.cancel()
    await source.next()
    expect(asked).toEqual({ readOn: [], goOn: [] })
  })
})

test('on the completions surface the text is that of the completion', async () => {
  const steps = TOKENS.map((text, index) => ({
    members: [JSON.stringify({ choices: [{ index: 0, text }] })],
    tokens: index + 1,
  }))
  const { source, asked } = aSurvivor(aSource([...steps, LOST]), { surface: 'completions' })
  await readToEnd(source)
  expect(asked.goOn).toEqual([{ text: WHOLE_TEXT, tokens: 20 }])
})

test('tokens that show nothing yet are asked for again', async () => {
  const unseen = [1, 2].map((index) => ({ members: [membersOf('')], tokens: 4 + index }))
  const { source, asked } = aSurvivor(aSource([...stepsOf(0, 5), ...unseen, LOST]))
  await readToEnd(source)
  expect(asked.goOn).toEqual([{ text: 'Es war einmal ein', tokens: 4 }])
})
