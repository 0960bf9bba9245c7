import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson } from '../../../shared/schema/parse-json.ts'

const limits = { maxDepth: 32 }

test('parses to what JSON.parse gives, or fails where that throws', () => {
  const scraps = fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a', '1', '\\u00', 'null', ' ')
  fc.assert(
    fc.property(fc.array(scraps, { maxLength: 40 }), (parts) => {
      const text = parts.join('')
      const result = parseJson(text, limits)
      if (result.ok) expect(result.value).toEqual(JSON.parse(text))
      else if (result.error.reason === 'invalid_json') expect(() => JSON.parse(text) as unknown).toThrow()
    }),
    { numRuns: 1000 },
  )
})

test('says where the mistake is when the runtime does', () => {
  const error = { reason: 'invalid_json', position: 8 }
  expect(parseJson('{"a":1 "b":2}', limits)).toEqual({ ok: false, error })
})

test('takes no number out of the part of the body that the runtime quotes', () => {
  const result = parseJson('{"a": x in JSON at position 7', limits)
  expect(result).toEqual({ ok: false, error: { reason: 'invalid_json' } })
})

test('repeats nothing of the body', () => {
  for (const text of ['MARKER', '{"a": MARKER}', '{"MARKER" 1}', '["MARKER', '{"a":"\u0001MARKER"}']) {
    expect(JSON.stringify(parseJson(text, limits))).not.toContain('MARKER')
    expect(parseJson(text, limits).ok).toBe(false)
  }
})

test('fails on an empty body', () => {
  expect(parseJson('', limits)).toMatchObject({ ok: false, error: { reason: 'invalid_json' } })
})
