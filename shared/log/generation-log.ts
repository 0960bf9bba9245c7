/**
 * One generation's log while it is being made: the lines so far, and whether more will come. Readers hold a position in
 * it, not a copy of it: however many there are and wherever they stand, the log is kept once.
 */

export type LogState = 'open' | 'sealed' | 'broken'

export interface LogPiece {
  readonly text: string
  /** Where the next read goes on. */
  readonly position: number
}

export interface GenerationLog {
  readonly state: LogState
  /** Adds lines that came together. Throws on a log that has ended. */
  append(lines: string): void
  /** Ends the log with its last line: `sealed` only if the answer is whole. */
  end(state: Exclude<LogState, 'open'>, line: string): void
  /**
   * What a reader at `position` (0 at the start) can have now: whole appends, at most `maxCharacters` of them unless the
   * first is longer; empty when the reader has seen everything there is.
   */
  readFrom(position: number, maxCharacters: number): LogPiece
  /** Every line so far. */
  text(): string
}

export function createGenerationLog(): GenerationLog {
  const appends: string[] = []
  let state: LogState = 'open'

  function append(lines: string): void {
    if (state !== 'open') throw new Error('a log that has ended takes no more lines')
    appends.push(lines)
  }

  return {
    get state() {
      return state
    },
    append,
    end(how, line) {
      append(line)
      state = how
    },
    readFrom(position, maxCharacters) {
      let text = ''
      let next = position
      for (;;) {
        const lines = appends[next]
        if (lines === undefined) break
        if (text !== '' && text.length + lines.length > maxCharacters) break
        text += lines
        next += 1
      }
      return { text, position: next }
    },
    text: () => appends.join(''),
  }
}
