/**
 * The format of a generation's log between the object that owns it and the edge that reads it: lines of text, each
 * with its kind in the first character, so that an edge turns a frame line into an SSE event by slicing.
 *
 *     h{…}                     head: once, first
 *     d42{"choices":…}         frame: the tokens generated so far (left out: not stated) and its members
 *     u12,5,3 {…}              usage: prompt, completion and cached tokens (empty: unknown), the pool's own JSON
 *     e{…}                     end: once, last; a log without it was cut
 *                              blank: nothing; only shows the writer whether the reader is still there
 *
 * JSON text has no raw line break inside strings, and between tokens the ingest replaced them.
 */
import type { Usage } from './frame.ts'

export type LogLine =
  /** `json` is what the writer encoded; its shape is for the two ends to agree on. */
  | { readonly kind: 'head'; readonly json: string }
  | { readonly kind: 'frame'; readonly members: string; readonly tokens?: number }
  | { readonly kind: 'usage'; readonly usage: Usage }
  | { readonly kind: 'end'; readonly json: string }

export interface FrameLine {
  readonly members: string
  readonly tokens?: number
}

export interface LineReader {
  /**
   * The lines that this chunk of text, cut anywhere, completed. Lines of kinds it does not know are passed over,
   * so that a newer writer may add some.
   */
  push(text: string): readonly LogLine[]
}

const USAGE_LINE = /^(\d+),(\d+),(\d*) (\{.*\})$/

/** The head line of a log; `head` is anything JSON can hold. */
export function encodeHeadLine(head: object): string {
  return `h${JSON.stringify(head)}\n`
}

/** A frame's line. Members begin with a brace, so that the digits before them need no end. */
export function encodeFrameLine({ members, tokens }: FrameLine): string {
  return `d${tokens ?? ''}${members}\n`
}

/** The line of the counts last stated. */
export function encodeUsageLine({ promptTokens, completionTokens, cachedTokens, raw }: Usage): string {
  return `u${promptTokens},${completionTokens},${cachedTokens ?? ''} ${raw}\n`
}

/** The end line of a log; `end` is anything JSON can hold. */
export function encodeEndLine(end: object): string {
  return `e${JSON.stringify(end)}\n`
}

/** Makes the incremental reader of one log. */
export function createLineReader(): LineReader {
  let rest = ''
  return {
    push(text) {
      const lines: LogLine[] = []
      let start = 0
      for (;;) {
        const end = text.indexOf('\n', start)
        if (end === -1) break
        const line = decodeLine(rest + text.slice(start, end))
        if (line !== undefined) lines.push(line)
        rest = ''
        start = end + 1
      }
      rest += text.slice(start)
      return lines
    },
  }
}

function decodeLine(line: string): LogLine | undefined {
  const text = line.slice(1)
  switch (line[0]) {
    case 'd':
      return decodeFrame(text)
    case 'h':
      return { kind: 'head', json: text }
    case 'u':
      return decodeUsage(text)
    case 'e':
      return { kind: 'end', json: text }
    default:
      return undefined
  }
}

function decodeFrame(text: string): LogLine {
  const brace = text.indexOf('{')
  if (brace <= 0) return { kind: 'frame', members: text }
  return { kind: 'frame', members: text.slice(brace), tokens: Number(text.slice(0, brace)) }
}

function decodeUsage(text: string): LogLine | undefined {
  const [, prompt, completion, cached, raw] = USAGE_LINE.exec(text) ?? []
  if (raw === undefined) return undefined
  return {
    kind: 'usage',
    usage: {
      promptTokens: Number(prompt),
      completionTokens: Number(completion),
      ...(cached === '' ? {} : { cachedTokens: Number(cached) }),
      raw,
    },
  }
}
