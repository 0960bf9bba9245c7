import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  createLineReader,
  encodeEndLine,
  encodeFrameLine,
  encodeHeadLine,
  encodeUsageLine,
} from '../../../shared/log/lines.ts'
import type { LogLine } from '../../../shared/log/lines.ts'

const LOG =
  'h{"pool":"eu-1"}\n' +
  'd{"choices":[{"delta":{"content":"\u2028é"}}]}\n' +
  'u12,5,3 {"prompt_tokens":12}\n' +
  'e{"outcome":"completed"}\n'

const LINES: readonly LogLine[] = [
  { kind: 'head', json: '{"pool":"eu-1"}' },
  { kind: 'frame', members: '{"choices":[{"delta":{"content":"\u2028é"}}]}' },
  {
    kind: 'usage',
    usage: { promptTokens: 12, completionTokens: 5, cachedTokens: 3, raw: '{"prompt_tokens":12}' },
  },
  { kind: 'end', json: '{"outcome":"completed"}' },
]

test('writes one line per thing', () => {
  expect(
    encodeHeadLine({ pool: 'eu-1' }) +
      encodeFrameLine({ members: '{"choices":[{"delta":{"content":"\u2028é"}}]}' }) +
      encodeUsageLine({
        promptTokens: 12,
        completionTokens: 5,
        cachedTokens: 3,
        raw: '{"prompt_tokens":12}',
      }) +
      encodeEndLine({ outcome: 'completed' }),
  ).toBe(LOG)
})

test('reads what it wrote, however it is cut', () => {
  expect(createLineReader().push(LOG)).toEqual(LINES)
  fc.assert(
    fc.property(fc.array(fc.nat(LOG.length), { maxLength: 10 }), (cuts) => {
      const ends = [...cuts, LOG.length].sort((a, b) => a - b)
      const reader = createLineReader()
      const lines = ends.flatMap((end, index) => reader.push(LOG.slice(ends[index - 1] ?? 0, end)))
      expect(lines).toEqual(LINES)
    }),
  )
})

test('keeps unknown cached tokens unknown and zero zero', () => {
  const counts = (cachedTokens: { cachedTokens?: number }) => {
    const usage = { promptTokens: 1, completionTokens: 0, raw: '{}', ...cachedTokens }
    return createLineReader().push(encodeUsageLine(usage))
  }
  expect(counts({})).toEqual([{ kind: 'usage', usage: { promptTokens: 1, completionTokens: 0, raw: '{}' } }])
  expect(counts({ cachedTokens: 0 })).toEqual([
    { kind: 'usage', usage: { promptTokens: 1, completionTokens: 0, cachedTokens: 0, raw: '{}' } },
  ])
})

test('takes a line that was cut off for none', () => {
  expect(createLineReader().push('h{}\nd{"choices":[')).toEqual([{ kind: 'head', json: '{}' }])
})

test('passes over lines it does not know, so that a newer writer may add some', () => {
  expect(createLineReader().push('\nx{}\nu1,2\nux,1, {}\ne{}\n')).toEqual([{ kind: 'end', json: '{}' }])
})
