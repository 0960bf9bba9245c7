import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEventReader } from '../../../shared/stream/event-reader.ts'

const MAX_EVENT_CHARS = 20

function read(chunks: readonly string[]) {
  const reader = createEventReader(MAX_EVENT_CHARS)
  const events = chunks.flatMap((chunk) => reader.push(chunk))
  return { events, overflowed: reader.overflowed() }
}

describe('reading events', () => {
  test.each([
    ['one event', 'data: a\n\n', ['a']],
    ['no blank after the colon', 'data:a\n\n', ['a']],
    ['only the first blank is not the value', 'data:  a\n\n', [' a']],
    ['CRLF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['a byte order mark', '\uFEFFdata: a\n\n', ['a']],
    ['several data lines', 'data: a\ndata:\ndata: b\n\n', ['a\n\nb']],
    ['comments', ': ping\n\n:\ndata: a\n: more\n\n', ['a']],
    ['fields that are not ours', 'id: 1\nretry: soon\nx: y\nnonsense\ndata: a\n\n', ['a']],
    ['an event without data', 'event: ping\n\n', []],
    ['no blank line at the end', 'data: a\n\ndata: b\n', ['a']],
    ['half a line at the end', 'data: a\n\ndata: b', ['a']],
  ])('takes %s as the standard says', (_, text, expected) => {
    expect(read([text])).toEqual({ events: expected.map((data) => ({ data })), overflowed: false })
  })

  test('gives the name of an event', () => {
    expect(read(['event: error\ndata: a\n\ndata: b\n\n']).events).toEqual([
      { data: 'a', name: 'error' },
      { data: 'b' },
    ])
  })
})

describe('an event that is too large', () => {
  test.each([
    ['just fits', `data: ${'a'.repeat(20)}\n\n`, 1, false],
    ['is one character too long', `data: ${'a'.repeat(21)}\n\n`, 0, true],
    ['just fits in several lines', `data: ${'a'.repeat(9)}\ndata: ${'b'.repeat(10)}\n\n`, 1, false],
    ['is too long in several lines', `data: ${'a'.repeat(10)}\ndata: ${'b'.repeat(10)}\n\n`, 0, true],
    ['never ends', `data: ${'a'.repeat(100)}`, 0, true],
  ])('%s: the same in one piece and in pieces of one character', (_, text, count, overflowed) => {
    for (const chunks of [[text], text.split('')]) {
      const result = read(chunks)
      expect(result.events).toHaveLength(count)
      expect(result.overflowed).toBe(overflowed)
    }
  })

  test('ends the reading: nothing comes after it, nor with it', () => {
    const long = `data: ${'a'.repeat(21)}\n\n`
    expect(read([`data: a\n\n${long}data: b\n\n`, 'data: c\n\n'])).toEqual({
      events: [{ data: 'a' }],
      overflowed: true,
    })
  })
})

test('reads the same events however the text is cut', () => {
  const piece = fc.constantFrom(
    'data: ',
    'data:',
    ':',
    'event: e',
    'é𝒳',
    'a',
    ' ',
    '\n',
    '\r',
    '\r\n',
    '\n\n',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.nat(200), { maxLength: 8 }),
      (pieces, cuts) => {
        const text = pieces.join('')
        const ends = [...cuts.map((at) => Math.min(at, text.length)), text.length].sort((a, b) => a - b)
        const chunks = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end))
        expect(read(chunks)).toEqual(read([text]))
      },
    ),
    { numRuns: 1000 },
  )
})
