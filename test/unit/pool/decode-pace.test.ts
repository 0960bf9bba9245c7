import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AnswerTimes, DecodePace } from '../../../shared/pool/decode-pace.ts'
import { mergePaces, observeAnswer } from '../../../shared/pool/decode-pace.ts'
import { must } from '../residency/a-mesh.ts'

/** An answer at a steady pace. */
const answer = (completionTokens: number, msPerToken: number, ttftMs = 100): AnswerTimes => ({
  completionTokens,
  decodeMs: (completionTokens - 1) * msPerToken,
  ttftMs,
})

function after(...answers: readonly AnswerTimes[]): DecodePace {
  return must(answers.reduce<DecodePace | undefined>((pace, next) => observeAnswer(pace, next), undefined))
}

const repeated = (count: number, one: AnswerTimes): readonly AnswerTimes[] =>
  Array.from({ length: count }, () => one)

test('one answer shows its pace, its length and how long its slot was taken', () => {
  expect(after(answer(101, 20))).toEqual({
    msPerToken: 20,
    completionTokens: 101,
    totalMs: 2100,
    answers: 1,
  })
})

test('an answer of one token has no pace', () => {
  expect(after(answer(1, 20))).toEqual({ completionTokens: 1, totalMs: 100, answers: 1 })
  expect(after(answer(101, 20), answer(1, 0)).msPerToken).toBe(20)
})

test.each<[string, DecodePace, number]>([
  ['the first few are averaged', after(answer(101, 20), answer(101, 30)), 25],
  ['then each weighs a tenth', after(...repeated(20, answer(101, 20)), answer(101, 30)), 21],
  [
    'a new pace has most of the say after twenty',
    after(...repeated(20, answer(101, 20)), ...repeated(20, answer(101, 30))),
    28.78,
  ],
  ['one that stalled counts as threefold', after(...repeated(20, answer(101, 20)), answer(101, 5000)), 24],
  ['a short one weighs less', after(...repeated(20, answer(101, 20)), answer(5, 40)), 20.5],
  ['a quicker one has half of the say', after(...repeated(20, answer(101, 20)), answer(101, 10)), 15],
  ['a pace of nothing can grow', after(answer(101, 0), ...repeated(100, answer(101, 20))), 20],
])('of several answers %s', (_name, pace, expected) => {
  expect(pace.msPerToken).toBeCloseTo(expected, 2)
})

test('lengths and times of answers are averaged', () => {
  const pace = after(answer(101, 10, 100), answer(301, 10, 300))
  expect(pace).toMatchObject({ completionTokens: 201, totalMs: 2200, answers: 2 })
})

test.each<[string, AnswerTimes]>([
  ['without a token', { completionTokens: 0, decodeMs: 10, ttftMs: 10 }],
  ['of fewer tokens than none', { completionTokens: -1, decodeMs: 10, ttftMs: 10 }],
  ['of no number of tokens', { completionTokens: NaN, decodeMs: 10, ttftMs: 10 }],
  ['without an end', { completionTokens: 10, decodeMs: Infinity, ttftMs: 10 }],
  ['that ended before it began', { completionTokens: 10, decodeMs: -1, ttftMs: 10 }],
  ['that took no number of milliseconds', { completionTokens: 10, decodeMs: NaN, ttftMs: 10 }],
  ['that began before it was asked for', { completionTokens: 10, decodeMs: 10, ttftMs: -1 }],
  ['that never began', { completionTokens: 10, decodeMs: 10, ttftMs: Infinity }],
])('an answer %s changes nothing', (_name, wrong) => {
  const before = after(answer(101, 20))
  expect(observeAnswer(before, wrong)).toBe(before)
  expect(observeAnswer(undefined, wrong)).toBeUndefined()
})

test('the one that rests on more answers is gone by', () => {
  const [few, many] = [after(answer(101, 20)), after(answer(101, 30), answer(101, 30))]
  expect(mergePaces(few, many)).toBe(many)
  expect(mergePaces(many, few)).toBe(many)
})

describe('laws', () => {
  const sound = fc.record({
    completionTokens: fc.integer({ min: 1, max: 5000 }),
    decodeMs: fc.nat(600_000),
    ttftMs: fc.nat(60_000),
  })
  const answers = fc.array(sound, { minLength: 1, maxLength: 50 })

  test('every average is between the least and the most that was seen', () => {
    fc.assert(
      fc.property(answers, (all) => {
        const pace = after(...all)
        const lengths = all.map(({ completionTokens }) => completionTokens)
        const totals = all.map(({ ttftMs, decodeMs }) => ttftMs + decodeMs)
        const paces = all
          .filter(({ completionTokens }) => completionTokens > 1)
          .map(({ completionTokens, decodeMs }) => decodeMs / (completionTokens - 1))
        expect(pace.completionTokens).toBeGreaterThanOrEqual(Math.min(...lengths) - 1e-6)
        expect(pace.completionTokens).toBeLessThanOrEqual(Math.max(...lengths) + 1e-6)
        expect(pace.totalMs).toBeGreaterThanOrEqual(Math.min(...totals) - 1e-6)
        expect(pace.totalMs).toBeLessThanOrEqual(Math.max(...totals) + 1e-6)
        expect(pace.msPerToken === undefined).toBe(paces.length === 0)
        expect(pace.msPerToken ?? 0).toBeGreaterThanOrEqual(Math.min(0, ...paces))
        expect(pace.msPerToken ?? 0).toBeLessThanOrEqual(Math.max(0, ...paces) + 1e-6)
        expect(JSON.parse(JSON.stringify(pace))).toEqual(pace)
      }),
    )
  })

  test('whatever is measured, what is kept is finite', () => {
    const number = fc.oneof(fc.nat(5000), fc.double(), fc.constantFrom(0, -1, NaN, Infinity))
    const any = fc.record({ completionTokens: number, decodeMs: number, ttftMs: number })
    fc.assert(
      fc.property(fc.array(any), (all) => {
        const pace = all.reduce<DecodePace | undefined>(
          (before, next) => observeAnswer(before, next),
          undefined,
        )
        for (const value of Object.values(pace ?? {})) expect(value).toSatisfy(Number.isFinite)
      }),
    )
  })

  test('merging is the same in either order, and merging the same again changes nothing', () => {
    fc.assert(
      fc.property(answers, answers, (some, others) => {
        const [own, region] = [after(...some), after(...others)]
        const merged = mergePaces(own, region)
        expect(mergePaces(region, own).totalMs).toBe(merged.totalMs)
        expect(mergePaces(merged, region)).toEqual(merged)
        expect(mergePaces(own, merged)).toEqual(merged)
      }),
    )
  })
})
