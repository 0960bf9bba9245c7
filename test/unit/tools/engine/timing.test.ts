import { describe, expect, test } from 'vitest'
import { interTokenMs, timeToFirstTokenMs, type Timing } from '../../../../tools/local/engine/timing.ts'

const TIMING: Timing = {
  prefillOverheadMs: 20,
  prefillTimePerTokenMs: 0.5,
  interTokenLatencyMs: 10,
  timeFactorUnderLoad: 3,
  maxNumSeqs: 5,
}

describe('the model of time', () => {
  test.each([
    { running: 1, slowFactor: 1, firstMs: 520, gapMs: 10 },
    { running: 3, slowFactor: 1, firstMs: 1_040, gapMs: 20 },
    { running: 5, slowFactor: 1, firstMs: 1_560, gapMs: 30 },
    { running: 1, slowFactor: 10, firstMs: 5_200, gapMs: 100 },
    { running: 5, slowFactor: 2, firstMs: 3_120, gapMs: 60 },
  ])('takes $firstMs ms to the first of 1000 tokens with $running running', (row) => {
    expect(timeToFirstTokenMs(TIMING, 1000, row)).toBe(row.firstMs)
    expect(interTokenMs(TIMING, row)).toBe(row.gapMs)
  })

  test('costs only the overhead when the prompt is cached', () => {
    expect(timeToFirstTokenMs(TIMING, 0, { running: 1, slowFactor: 1 })).toBe(20)
  })

  test('does not divide by zero when one is the full batch', () => {
    expect(interTokenMs({ ...TIMING, maxNumSeqs: 1 }, { running: 1, slowFactor: 1 })).toBe(10)
  })
})
