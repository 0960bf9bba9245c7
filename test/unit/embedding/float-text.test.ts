import fc from 'fast-check'
import { expect, test } from 'vitest'
import { float32Text } from '../../../shared/embedding/float-text.ts'

test.each([
  [0, '0'],
  [-0, '-0'],
  [1, '1'],
  [-1.5, '-1.5'],
  [Math.fround(0.1), '0.1'],
  [Math.fround(0.3), '0.3'],
  [Math.fround(-0.006929283495992422), '-0.0069292835'],
  [Math.fround(1 / 3), '0.33333334'],
  [16_777_216, '16777216'],
  [Math.fround(1e-7), '1e-7'],
  [Math.fround(3.4028234663852886e38), '3.4028235e+38'],
  [Math.fround(1.401298464324817e-45), '1e-45'],
  [Math.fround(1e21), '1e+21'],
])('%d is %s', (value, text) => {
  expect(float32Text(value)).toBe(text)
})

/** As few digits as give the float back, found by trying all numbers of digits. */
function leastDigits(value: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    if (Math.fround(Number(value.toPrecision(digits))) === value) return digits
  }
  return 9
}

const anyFloat = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  // As the components of normalised vectors are.
  fc.float({ noNaN: true, min: -1, max: 1 }),
)

test('the text gives the float back, is JSON, and no decimal with fewer digits does', () => {
  fc.assert(
    fc.property(anyFloat, (value) => {
      const text = float32Text(value)
      expect(Math.fround(JSON.parse(text) as number)).toBe(value)
      const digits = (text.split('e')[0] ?? '').replaceAll(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')
      expect(digits.length).toBeLessThanOrEqual(value === 0 ? 0 : leastDigits(value))
    }),
    { numRuns: 5000 },
  )
})

test('a double is written as the float next to it', () => {
  fc.assert(
    fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (value) => {
      expect(Math.fround(Number(float32Text(Math.fround(value))))).toBe(Math.fround(value))
    }),
  )
})
