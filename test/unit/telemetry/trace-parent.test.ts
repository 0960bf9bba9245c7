/** A request belongs to the trace its client names, if it names one, and else to one that its own id leads to. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import '../../support/property-seed.ts'
import { isSampled, traceIdsOf } from '../../../shared/telemetry/trace-parent.ts'

const REQUEST = 'req_0123456789abcdef01234567'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const OWN = {
  traceId: expect.stringMatching(/^[0-9a-f]{8}0123456789abcdef01234567$/) as string,
  spanId: '89abcdef01234567',
  poolSpanId: '0123456789abcdef',
}

test('a trace of the client’s goes on, whatever its flags', () => {
  for (const flags of ['00', '01', 'ff']) {
    expect(traceIdsOf(REQUEST, `00-${TRACE}-${PARENT}-${flags}`)).toEqual({
      ...OWN,
      traceId: TRACE,
      parentSpanId: PARENT,
    })
  }
})

test('a later version may say more at its end', () => {
  expect(traceIdsOf(REQUEST, `cc-${TRACE}-${PARENT}-01-more`)).toMatchObject({ traceId: TRACE })
})

test.each([
  ['none', null],
  ['an empty one', ''],
  ['a text', 'the patient’s name'],
  ['one in capitals', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
  ['a trace that is none', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['a span that is none', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a version that is none', `ff-${TRACE}-${PARENT}-01`],
  ['more than this version has', `00-${TRACE}-${PARENT}-01-more`],
  ['a cut one', `00-${TRACE}-${PARENT}`],
  ['two', `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
])('with %s in traceparent the trace is the request’s own', (_, header) => {
  expect(traceIdsOf(REQUEST, header)).toEqual(OWN)
})

describe('sampling', () => {
  const hex = fc.stringMatching(/^[0-9a-f]{32}$/)

  test('takes all at 1 and none at 0', () => {
    fc.assert(fc.property(hex, (id) => isSampled(id, 1) && !isSampled(id, 0)))
  })

  test('hangs on the trace’s id alone, and takes with a larger share whatever it takes with a smaller', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(hex, share, share, (id, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)]
        expect(isSampled(id, less)).toBe(isSampled(id, less))
        expect(isSampled(id, less) && !isSampled(id, more)).toBe(false)
      }),
    )
  })

  test('takes about the share that is asked for', () => {
    const ids = Array.from({ length: 2_000 }, (_, at) => `${'0'.repeat(18)}${hexOf(at / 2_000)}0`)
    expect(ids.filter((id) => isSampled(id, 0.25))).toHaveLength(500)
    expect(ids.filter((id) => isSampled(id, 0.01))).toHaveLength(20)
  })
})

function hexOf(fraction: number): string {
  return Math.floor(fraction * 2 ** 52)
    .toString(16)
    .padStart(13, '0')
}
