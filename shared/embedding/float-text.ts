/** Writes 32-bit floats with as few digits as give them back: half of what their 64-bit form takes. */

/** Every 32-bit float is given back by 9 significant digits (IEEE 754, 24 bits), most by 8. */
const MAX_DIGITS = 9
const USUAL_DIGITS = 8
/** Powers of ten up to this one are exact as doubles. */
const MAX_EXACT_POWER = 22

const powersOfTen = Array.from({ length: MAX_EXACT_POWER + 1 }, (_, power) => Number(`1e${power}`))

/**
 * JSON text of a finite 32-bit float: `Math.fround(Number(text))` is the float, and no shorter decimal is. A vector has
 * thousands of them, so candidates are computed and not written out: an integer over an exact power of ten is
 * the double nearest to that decimal, and is then written as that decimal.
 */
export function float32Text(value: number): string {
  if (Object.is(value, -0)) return '-0'
  let shortest = decimalOf(value, USUAL_DIGITS)
  if (Math.fround(shortest) !== value) return String(decimalOf(value, MAX_DIGITS))
  for (let digits = USUAL_DIGITS - 1; digits > 0; digits -= 1) {
    const shorter = decimalOf(value, digits)
    if (Math.fround(shorter) !== value) break
    shortest = shorter
  }
  return String(shortest)
}

/** The value rounded to so many significant digits. */
function decimalOf(value: number, digits: number): number {
  if (value === 0) return 0
  const power = digits - 1 - Math.floor(Math.log10(Math.abs(value)))
  const scale = powersOfTen[power]
  if (scale === undefined) return Number(value.toPrecision(digits))
  return Math.round(value * scale) / scale
}
