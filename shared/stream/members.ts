/**
 * Splits a JSON object into its top-level members without re-serialising them, so that numbers, escapes and the
 * order inside values reach the client as the pool wrote them.
 */

export interface Member {
  /** The member's name, escapes resolved. */
  readonly key: string
  /** The member verbatim, `"key": value`, without the blanks and commas round it. */
  readonly text: string
  /** The value verbatim. */
  readonly value: string
}

export interface JsonObject {
  /** What `JSON.parse` makes of the text. */
  readonly value: Readonly<Record<string, unknown>>
  /** In the order written; a name written twice is there twice, and the last one counts. */
  readonly members: readonly Member[]
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COMMA = 0x2c
const COLON = 0x3a

/** Parses and splits the text of one complete JSON object; undefined for anything else. */
export function readJsonObject(json: string): JsonObject | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // The exception quotes the text, which must not travel; that it is not JSON is all a caller may learn.
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  // An object that is not an array has string keys only.
  return { value: value as Record<string, unknown>, members: scan(json) }
}

/** Relies on the text being valid, so that finding the ends of values takes no grammar. */
function scan(json: string): Member[] {
  const members: Member[] = []
  let at = json.indexOf('{') + 1
  for (;;) {
    at = skipBlanksAnd(json, at, COMMA)
    if (json.charCodeAt(at) === CLOSE_BRACE) return members
    const start = at
    const keyEnd = stringEnd(json, start)
    const valueStart = skipBlanksAnd(json, keyEnd, COLON)
    at = valueEnd(json, valueStart)
    const quoted = json.slice(start, keyEnd)
    members.push({
      key: quoted.includes('\\') ? unescaped(quoted) : quoted.slice(1, -1),
      text: json.slice(start, at),
      value: json.slice(valueStart, at),
    })
  }
}

function skipBlanksAnd(json: string, from: number, separator: number): number {
  let at = from
  for (;;) {
    const code = json.charCodeAt(at)
    if (code > 0x20 && code !== separator) return at
    at += 1
  }
}

/** Index after the string that starts at `start`. */
function stringEnd(json: string, start: number): number {
  let at = start
  for (;;) {
    at = json.indexOf('"', at + 1)
    let before = at - 1
    while (json.charCodeAt(before) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 1) return at + 1
  }
}

/** Index after the value that starts at `start`. */
function valueEnd(json: string, start: number): number {
  const first = json.charCodeAt(start)
  if (first === QUOTE) return stringEnd(json, start)
  let at = start
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) {
    for (;;) {
      const code = json.charCodeAt(at)
      if (code === COMMA || code === CLOSE_BRACE || code <= 0x20) return at
      at += 1
    }
  }
  let depth = 0
  for (;;) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = stringEnd(json, at)
      continue
    }
    at += 1
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1
      if (depth === 0) return at
    }
  }
}

function unescaped(quoted: string): string {
  // A JSON string literal parses to a string.
  return JSON.parse(quoted) as string
}
