import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createStopFilter } from '../../../../tools/local/engine/stop-filter.ts'

function run(
  stops: readonly string[],
  pieces: readonly string[],
): { text: string; stop: string | undefined } {
  const filter = createStopFilter(stops)
  let text = ''
  for (const piece of pieces) {
    const found = filter.push(piece)
    text += found.text
    if (found.stop !== undefined) return { text, stop: found.stop }
  }
  return { text: text + filter.flush(), stop: undefined }
}

describe('the stop filter', () => {
  test.each([
    ['no stops', [], ['ab', 'c'], { text: 'abc', stop: undefined }],
    ['a stop within a token', ['b'], ['abc'], { text: 'a', stop: 'b' }],
    ['a stop across tokens', ['END'], ['xE', 'N', 'Dy'], { text: 'x', stop: 'END' }],
    ['a beginning that comes to nothing', ['END'], ['xE', 'Na'], { text: 'xENa', stop: undefined }],
    ['a beginning at the end', ['END'], ['xEN'], { text: 'xEN', stop: undefined }],
    ['the earliest of several', ['d', 'bc'], ['abcd'], { text: 'a', stop: 'bc' }],
    ['a beginning that overlaps itself', ['aab'], ['aa', 'ab'], { text: 'a', stop: 'aab' }],
  ])('deals with %s', (_, stops, pieces, expected) => {
    expect(run(stops, pieces)).toEqual(expected)
  })

  test('sends what cannot become a stop at once', () => {
    const filter = createStopFilter(['END'])
    expect(filter.push('hello')).toEqual({ text: 'hello' })
    expect(filter.push(' E')).toEqual({ text: ' ' })
    expect(filter.push('x')).toEqual({ text: 'Ex' })
  })

  test('gives what cutting the whole text at its first stop gives, however it was cut into tokens', () => {
    const letter = fc.constantFrom('a', 'b', 'c')
    const stops = fc.array(fc.string({ unit: letter, minLength: 1, maxLength: 3 }), { maxLength: 3 })
    const pieces = fc.array(fc.string({ unit: letter, maxLength: 4 }), { maxLength: 8 })
    fc.assert(
      fc.property(stops, pieces, (ends, parts) => {
        const { text, stop } = run(ends, parts)
        const whole = parts.join('')
        expect(whole.startsWith(text)).toBe(true)
        for (const end of ends) expect(text.includes(end)).toBe(false)
        expect(whole.slice(text.length).startsWith(stop ?? '')).toBe(true)
        if (stop === undefined) expect(text).toBe(whole)
      }),
    )
  })
})
