/** Incremental SSE decoding of a pool's answer: text chunks, cut anywhere, in; the data of whole events out. */
import { createParser } from 'eventsource-parser'

export interface SseEvent {
  /** Lines of `data:` joined by line feeds. */
  readonly data: string
  /** The `event:` name, if there was one. */
  readonly name?: string
}

export interface EventReader {
  /** Whole events that this chunk completed. Comments are dropped; nothing comes after an overflow. */
  push(text: string): readonly SseEvent[]
  /** Whether an event was larger than allowed. */
  overflowed(): boolean
}

/** `data: `, which the parser counts towards what it buffers. */
const FIELD_PREFIX_CHARS = 6

/**
 * Makes a reader for one stream. Line ends (LF, CRLF, CR) and a byte order mark are as in the WHATWG standard: what
 * follows the last blank line is no event. An event of more than `maxEventChars` characters overflows, however it
 * was cut into chunks.
 */
export function createEventReader(maxEventChars: number): EventReader {
  let events: SseEvent[] = []
  let hasOverflowed = false
  const parser = createParser({
    // The parser's own limit sees only what it must keep between chunks; the check in onEvent makes it exact.
    maxBufferSize: maxEventChars + FIELD_PREFIX_CHARS,
    onEvent({ data, event }) {
      if (hasOverflowed) return
      if (data.length > maxEventChars) hasOverflowed = true
      else events.push(event === undefined ? { data } : { data, name: event })
    },
    onError(error) {
      // Unknown fields and bad retry values are to be ignored, says the standard.
      if (error.type === 'max-buffer-size-exceeded') hasOverflowed = true
    },
  })
  return {
    push(text) {
      if (hasOverflowed) return []
      events = []
      parser.feed(text)
      return events
    },
    overflowed: () => hasOverflowed,
  }
}
