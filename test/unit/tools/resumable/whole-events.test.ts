import fc from 'fast-check'
import { createParser } from 'eventsource-parser'
import { describe, expect, test } from 'vitest'
import { cutEvents } from '../../../../tools/resumable/whole-events.ts'

function cut(chunks: readonly (string | Uint8Array)[]) {
  const cutter = cutEvents()
  const pieces = chunks.map((chunk) => cutter.push(typeof chunk === 'string' ? bytes(chunk) : chunk))
  return {
    pieces: pieces.map((piece) => new TextDecoder().decode(piece)),
    unfinished: cutter.unfinishedBytes(),
    dataEvents: cutter.dataEvents(),
    isDone: cutter.isDone(),
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

describe('cutting a stream where events end', () => {
  test.each([
    ['an event', 'data: a\n\n', 'data: a\n\n', 1],
    ['an event and a half', 'data: a\n\ndata: b\n', 'data: a\n\n', 1],
    ['half an event', 'data: a\n', '', 0],
    ['lines that end in CRLF', 'data: a\r\n\r\ndata: b\r\n', 'data: a\r\n\r\n', 1],
    ['lines that end in CR', 'data: a\r\rdata: b\r', 'data: a\r\r', 1],
    ['lines that end in this and that', 'data: a\r\n\ndata: b\n\r\ndata: c', 'data: a\r\n\ndata: b\n\r\n', 2],
    ['a CRLF of which only the CR is there', 'data: a\r\n\r', '', 0],
    ['a comment, which is no event', ': ping\n\ndata: a\n\n', ': ping\n\ndata: a\n\n', 1],
    ['several data lines, which are one event', 'data: a\ndata: b\n\n', 'data: a\ndata: b\n\n', 1],
    ['other fields', 'event: x\nid: 1\ndata: a\n\n', 'event: x\nid: 1\ndata: a\n\n', 1],
    ['an event without data', 'event: x\n\n', 'event: x\n\n', 0],
    ['a field that only begins like data', 'database: a\n\n', 'database: a\n\n', 0],
    ['data without a colon', 'data\n\n', 'data\n\n', 1],
    ['a line separator, which ends no line', 'event: x\u2028data: a\n\n', 'event: x\u2028data: a\n\n', 0],
    ['[DONE], which counts', 'data: a\n\ndata: [DONE]\n\n', 'data: a\n\ndata: [DONE]\n\n', 2],
  ])('gives out %s', (_, text, whole, dataEvents) => {
    expect(cut([text])).toEqual({
      pieces: [whole],
      unfinished: bytes(text).length - bytes(whole).length,
      dataEvents,
      isDone: text.endsWith('[DONE]\n\n'),
    })
  })

  test('keeps what is unfinished for the chunk that ends it', () => {
    expect(cut(['data: a\n\nda', 'ta: b', '\n\ndata: c\n\n:']).pieces).toEqual([
      'data: a\n\n',
      '',
      'data: b\n\ndata: c\n\n',
    ])
  })

  test('passes a chunk of whole events on without copying it', () => {
    const chunk = bytes('data: a\n\n')
    expect(cutEvents().push(chunk).buffer).toBe(chunk.buffer)
  })

  test.each([
    ['as the text of an event', 'data: {"content":"[DONE]"}\n\n'],
    ['as one line of several', 'data: a\ndata: [DONE]\n\n'],
    ['in a comment', ': data: [DONE]\n\n'],
    ['while it is unfinished', 'data: [DONE]\n'],
  ])('does not take [DONE] for the end %s', (_, text) => {
    expect(cut([text]).isDone).toBe(false)
  })

  test('takes [DONE] for the end without the blank too', () => {
    expect(cut(['data:[DONE]\r\n\r\n']).isDone).toBe(true)
  })

  test('what comes after [DONE] does not undo it', () => {
    expect(cut(['data: [DONE]\n\ndata: a\n\n', 'data: b\n\n']).isDone).toBe(true)
  })

  test('after a drop nothing of the unfinished event is left', () => {
    const cutter = cutEvents()
    cutter.push(bytes('data: a\n\ndata: hal'))
    cutter.dropUnfinished()
    expect(cutter.unfinishedBytes()).toBe(0)
    expect(new TextDecoder().decode(cutter.push(bytes('data: b\n\n')))).toBe('data: b\n\n')
    expect(cutter.dataEvents()).toBe(2)
  })
})

const lineEnd = fc.constantFrom('\n', '\r\n')
const line = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => `data: ${JSON.stringify(text)}`),
  fc.constantFrom(': ping', 'event: x', 'data:', 'nonsense'),
)
const stream = fc
  .array(fc.tuple(fc.array(line, { minLength: 1, maxLength: 3 }), lineEnd), { minLength: 1, maxLength: 6 })
  .map((events) => events.map(([lines, end]) => [...lines, ''].join(end) + end).join(''))

/** The reference: what a parser others wrote makes of it. */
function countByParser(text: string): number {
  let count = 0
  createParser({ onEvent: () => (count += 1) }).feed(text)
  return count
}

describe('wherever the chunks are cut', () => {
  test('nothing is lost, split or moved, and the count is a parser’s', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(200), { maxLength: 8 }), (text, cuts) => {
        const all = bytes(text)
        const offsets = [...new Set([0, ...cuts.map((at) => Math.min(at, all.length)), all.length])]
        offsets.sort((a, b) => a - b)
        const chunks = offsets.slice(1).map((end, index) => all.subarray(offsets[index], end))
        const cutter = cutEvents()
        let given = ''
        for (const chunk of chunks) {
          given += new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(cutter.push(chunk))
          expect(cutter.dataEvents()).toBe(countByParser(given))
          expect(given).toMatch(/^$|\n\r?\n$/)
        }
        expect(given).toBe(text)
      }),
    )
  })
})
