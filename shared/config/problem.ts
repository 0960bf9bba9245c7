/** One mistake in a config, and the one line that tells a person about it. */
import { nearest } from './nearest.ts'

export interface ConfigProblem {
  /** Where: keys, positions and ids, e.g. `pools[1] ("us-east").region`; a line and column if the text cannot be read. */
  readonly path: string
  /** What stands there, shortened, and what is wrong with it. */
  readonly found: string
  /** What would be right. */
  readonly expected: string
}

const MAX_LINE_CHARACTERS = 300
const MAX_VALUE_CHARACTERS = 64
const MAX_NAMES_CHARACTERS = 90
/** Control and format characters and line separators: what could forge a line, or hide part of one. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** The line for one problem: never more than one line, and at most 300 characters. */
export function describeProblem(problem: ConfigProblem): string {
  return shorten(`${problem.path}: ${problem.found}; ${problem.expected}`, MAX_LINE_CHARACTERS)
}

/** A value as an error line shows it: on one line, printable and short. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return `"${shorten(value, MAX_VALUE_CHARACTERS)}"`
  if (value instanceof Date) return 'a date'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0 ? 'an empty table' : 'a table'
  return String(value)
}

/** The names that are known, as many as fit, with a guess at which was meant: "regions are a, b. Did you mean "a"?" */
export function knownNames(what: string, names: readonly string[], given: string): string {
  if (names.length === 0) return `there are no ${what}`
  const guess = nearest(given, names)
  return `${what} are ${listNames(names)}${guess === undefined ? '' : `. Did you mean ${quote(guess)}?`}`
}

/** Names in a row, ending with how many there are if not all fit. */
export function listNames(names: readonly string[]): string {
  const shown: string[] = []
  let length = 0
  for (const name of names) {
    const text = shorten(name, MAX_VALUE_CHARACTERS)
    length += text.length + 2
    if (length > MAX_NAMES_CHARACTERS && shown.length > 0)
      return `${shown.join(', ')}, … (${names.length} in all)`
    shown.push(text)
  }
  return shown.join(', ')
}

/** Makes text printable on one line and cuts it in the middle, for the ends of names and URLs tell more. */
function shorten(text: string, maxCharacters: number): string {
  const clean = text.replace(UNPRINTABLE, '\ufffd').toWellFormed()
  if (clean.length <= maxCharacters) return clean
  const tail = Math.floor(maxCharacters / 4)
  return `${clean.slice(0, maxCharacters - tail - 1)}…${clean.slice(-tail)}`.toWellFormed()
}
