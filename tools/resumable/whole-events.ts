/** Cuts the bytes of an event stream (text/event-stream) where events end, and counts the events that carry data. */

export interface EventCutter {
  /** The events that end in this chunk, as they came, with what was kept of earlier chunks; often nothing. */
  push(chunk: Uint8Array): Uint8Array
  /** Forgets the event that has not ended. */
  dropUnfinished(): void
  /** How much is kept of the event that has not ended. */
  unfinishedBytes(): number
  /** How many events with a `data:` line have been given out. Comments are none; `[DONE]` is one. */
  dataEvents(): number
  /** Whether `[DONE]` has been given out. */
  isDone(): boolean
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const NOTHING = new Uint8Array()

/**
 * Makes a cutter for one answer, however many connections bring it. Lines end in LF, CRLF or CR, as in the WHATWG
 * standard. Cuts fall between bytes of ASCII, so that no character is ever split by them.
 */
export function cutEvents(): EventCutter {
  let unfinished: Uint8Array = NOTHING
  let dataEvents = 0
  let isDone = false

  function count(events: Uint8Array): void {
    let data: string[] = []
    for (const line of new TextDecoder().decode(events).split(/\r\n|\r|\n/)) {
      if (line === 'data' || line.startsWith('data:')) data.push(line.slice('data:'.length))
      if (line !== '' || data.length === 0) continue
      dataEvents += 1
      isDone ||= data.join('\n').trim() === '[DONE]'
      data = []
    }
  }

  return {
    push(chunk) {
      const bytes = join(unfinished, chunk)
      const end = lastEventEnd(bytes, unfinished.length)
      if (end === undefined) {
        unfinished = bytes
        return NOTHING
      }
      const whole = bytes.subarray(0, end)
      unfinished = bytes.slice(end)
      count(whole)
      return whole
    },
    dropUnfinished() {
      unfinished = NOTHING
    },
    unfinishedBytes: () => unfinished.length,
    dataEvents: () => dataEvents,
    isDone: () => isDone,
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second
  const joined = new Uint8Array(first.length + second.length)
  joined.set(first)
  joined.set(second, first.length)
  return joined
}

/** The offset behind the last blank line, whose last byte is at `from` or later. */
function lastEventEnd(bytes: Uint8Array, from: number): number | undefined {
  for (let index = bytes.length - 1; index >= from; index -= 1) {
    if (endsBlankLine(bytes, index)) return index + 1
  }
  return undefined
}

/**
 * A blank line is a line end behind a line end. A CR behind an LF may be the half of a CRLF whose LF is still to come,
 * so that the event counts as unfinished until it has.
 */
function endsBlankLine(bytes: Uint8Array, index: number): boolean {
  const byte = bytes[index]
  const before = bytes[index - 1]
  if (byte === LINE_FEED && before === CARRIAGE_RETURN) return isLineEnd(bytes[index - 2])
  return isLineEnd(byte) && byte === before
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN
}
