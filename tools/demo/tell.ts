/** Tells a story in a terminal or a pipe: plain lines, and what is claimed in it only together with whether it is true. */

export interface Teller {
  readonly title: (text: string) => void
  /** A paragraph, wrapped. */
  readonly say: (text: string) => void
  /** Lines as they are, with an indent. */
  readonly lines: (texts: readonly string[]) => void
  /** Between claims and what follows them. */
  readonly gap: () => void
  /** Text that is still coming. */
  readonly quote: () => Quote
  readonly claim: (text: string, isTrue: boolean) => void
  /** What was claimed and is not true. */
  readonly untrue: () => readonly string[]
  readonly claimed: () => number
}

export interface Quote {
  readonly write: (text: string) => void
  /** What happens at this place of the text. */
  readonly mark: (text: string) => void
  readonly end: () => void
}

export interface TellerOptions {
  readonly write: (text: string) => void
  readonly isColoured: boolean
}

const WIDTH = 88
const INDENT = '  '
const QUOTE_INDENT = '    | '

export function createTeller({ write, isColoured }: TellerOptions): Teller {
  const coloured = (code: number, text: string): string =>
    isColoured ? `\u001B[${code}m${text}\u001B[0m` : text
  const untrue: string[] = []
  let claimed = 0
  return {
    title: (text) => write(`\n${coloured(1, text)}\n\n`),
    say: (text) => write(`${wrap(text, INDENT, INDENT)}\n\n`),
    lines: (texts) => write(`${texts.map((text) => `${INDENT}${INDENT}${text}`).join('\n')}\n\n`),
    gap: () => write('\n'),
    quote: () => quote(write, (text) => coloured(31, text)),
    claim(text, isTrue) {
      claimed += 1
      if (!isTrue) untrue.push(text)
      const verdict = isTrue ? coloured(32, 'true ') : coloured(31, 'FALSE')
      write(`${INDENT}${verdict}  ${wrap(text, '', `${INDENT}       `)}\n`)
    },
    untrue: () => untrue,
    claimed: () => claimed,
  }
}

function wrap(text: string, first: string, others: string): string {
  const lines: string[] = []
  let line = ''
  const indent = (): string => (lines.length === 0 ? first : others)
  for (const word of text.split(' ')) {
    const isFull = line !== '' && others.length + line.length + 1 + word.length > WIDTH
    if (isFull) {
      lines.push(indent() + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(indent() + line)
  return lines.join('\n')
}

/** Words are written when they are whole, so that none is broken. */
function quote(write: (text: string) => void, highlight: (text: string) => string): Quote {
  let word = ''
  let column = 0

  function put(text: string, shown = text): void {
    if (text === '') return
    if (column > 0 && column + 1 + text.length > WIDTH) breakLine()
    write(column === 0 ? QUOTE_INDENT + shown : ` ${shown}`)
    column = column === 0 ? QUOTE_INDENT.length + text.length : column + 1 + text.length
  }
  function breakLine(): void {
    write('\n')
    column = 0
  }

  return {
    write(text) {
      for (const part of text.split(/(\s)/)) {
        if (!/^\s$/.test(part)) {
          word += part
          continue
        }
        put(word)
        word = ''
        if (part === '\n' && column > 0) breakLine()
      }
    },
    mark(text) {
      put(word)
      word = ''
      if (column > 0) breakLine()
      put(text, highlight(text))
      breakLine()
    },
    end() {
      put(word)
      write(column > 0 ? '\n\n' : '\n')
    },
  }
}
