/**
 * The engine's language: what comes next is a pure function of all text and special tokens before it.
 *
 * Text is read as words, each with the white space before it. Where a word begins, everything before it decides
 * which word stands there. So inside a word the engine looks back to the word's beginning, sees which one it would
 * have written, and finishes it; after a word it writes the next. Nothing depends on how the text before was cut
 * into tokens or requests: for every cut, partial text and continuation join to the uninterrupted text.
 *
 * A turn ends at the first sentence end after a length that the text before the turn decides. A turn begins at a
 * special token. Raw text has none; there it begins after the last word that the engine would not have written.
 */
import { choose, extendHigh, extendLow, hashText, type RollingHash } from './rolling-hash.ts'
import { isSpecial, tokenText } from './tokenizer.ts'
import { endsSentence, PATTERN_COUNT, wordAt } from './vocabulary.ts'

/** Above 16 bits, so that no character hashes like a special token. */
const SPECIAL_MARK = 0x10000
/** Tokens have at most 6 characters: 240 are at least 40 tokens; 670 and the rest of a sentence are below 220. */
const MIN_TURN_CHARACTERS = 240
const TURN_CHARACTER_SPREAD = 430
/** Longer than any word written here: what is longer is foreign, and not worth remembering. */
const MAX_WORD_CHARACTERS = 40
const PARAGRAPH_ONE_IN = 6

/** A place where a word begins. */
interface WordStart {
  readonly hash: RollingHash
  /** The hash where the sentence began: it decides the pattern. */
  readonly sentence: RollingHash
  readonly slot: number
  /** Nothing stands before it, so it takes no white space. */
  readonly isFirst: boolean
}

interface Turn {
  readonly targetCharacters: number
  characters: number
}

export interface LanguageState {
  high: number
  low: number
  start: WordStart
  whitespace: string
  word: string
  /** A sampled word that stands here instead of the one the text decides. */
  sampled: string | undefined
  /** The same, for the word that begins with the next character. */
  sampledNext: string | undefined
  turn: Turn
  isRaw: boolean
}

/** Another choice than the text's own, for sampling. */
export type Deviation = ((count: number) => number) | undefined

/** The state before any token. Models of different names are different models and write different texts. */
export function beginLanguage(model: string): LanguageState {
  const hash = hashText(model)
  return {
    ...hash,
    start: { hash, sentence: hash, slot: 0, isFirst: true },
    whitespace: '',
    word: '',
    sampled: undefined,
    sampledNext: undefined,
    turn: turnAt(hash),
    isRaw: true,
  }
}

/** Reads one more token. Constant time in what was read before. */
export function readToken(state: LanguageState, token: number): void {
  if (isSpecial(token)) {
    advance(state, SPECIAL_MARK + token)
    const hash = hashOf(state)
    beginWord(state, { hash, sentence: hash, slot: 0, isFirst: true })
    state.turn = turnAt(hash)
    state.isRaw = false
    return
  }
  const text = tokenText(token)
  // White space stands only at the beginning of a token.
  const rest = text.trimStart()
  if (rest.length < text.length) {
    if (state.word !== '') {
      const next = startAfterWord(state)
      state.turn = turnAfterWord(state)
      beginWord(state, next)
    }
    state.whitespace = clip(state.whitespace + text.slice(0, text.length - rest.length))
  }
  state.word = clip(state.word + rest)
  state.turn.characters += text.length
  let { high, low } = state
  for (let at = 0; at < text.length; at += 1) {
    high = extendHigh(high, text.charCodeAt(at))
    low = extendLow(low, text.charCodeAt(at))
  }
  state.high = high
  state.low = low
}

/**
 * The text that comes next, up to the end of a word, or undefined where the turn ends. With `mayEnd` false the
 * turn goes on. A deviation applies to a word that begins here, never to one being finished.
 */
export function nextText(state: LanguageState, mayEnd: boolean, deviation?: Deviation): string | undefined {
  if (state.word === '') return beginText(state, state.start, deviation)
  const expected = expectedWord(state)
  if (expected.length > state.word.length && expected.startsWith(state.word)) {
    return expected.slice(state.word.length)
  }
  const next = startAfterWord(state)
  const turn = turnAfterWord(state)
  if (mayEnd && next.slot === 0 && turn.characters >= turn.targetCharacters) return undefined
  return beginText(state, next, deviation)
}

/** Writes the white space that is still missing and the word; remembers a word that the text did not decide. */
function beginText(state: LanguageState, start: WordStart, deviation: Deviation): string {
  const written = state.word === '' ? state.whitespace : ''
  const word = wordFrom(start, deviation)
  if (deviation !== undefined) {
    if (state.word === '') state.sampled = word
    else state.sampledNext = word
  }
  const whitespace = whitespaceBefore(start)
  return (whitespace.startsWith(written) ? whitespace.slice(written.length) : '') + word
}

function whitespaceBefore(start: WordStart): string {
  if (start.isFirst) return ''
  return start.slot === 0 && choose(start.hash, 2, PARAGRAPH_ONE_IN) === 0 ? '\n\n' : ' '
}

function expectedWord(state: LanguageState): string {
  return state.sampled ?? wordFrom(state.start, undefined)
}

function wordFrom(start: WordStart, deviation: Deviation): string {
  return wordAt({
    pattern: choose(start.sentence, 1, PATTERN_COUNT),
    slot: start.slot,
    choose: deviation ?? ((count) => choose(start.hash, 0, count)),
  })
}

function startAfterWord(state: LanguageState): WordStart {
  const hash = hashOf(state)
  if (endsSentence(state.word)) return { hash, sentence: hash, slot: 0, isFirst: false }
  return { hash, sentence: state.start.sentence, slot: state.start.slot + 1, isFirst: false }
}

function turnAfterWord(state: LanguageState): Turn {
  const isOwn = !state.isRaw || state.word === expectedWord(state)
  return isOwn ? state.turn : turnAt(hashOf(state))
}

function turnAt(hash: RollingHash): Turn {
  return { targetCharacters: MIN_TURN_CHARACTERS + choose(hash, 3, TURN_CHARACTER_SPREAD), characters: 0 }
}

/** A text's own beginning, however it was cut into tokens. */
function clip(text: string): string {
  return text.length > MAX_WORD_CHARACTERS ? text.slice(0, MAX_WORD_CHARACTERS) : text
}

function beginWord(state: LanguageState, start: WordStart): void {
  state.start = start
  state.whitespace = ''
  state.word = ''
  state.sampled = state.sampledNext
  state.sampledNext = undefined
}

function advance(state: LanguageState, value: number): void {
  state.high = extendHigh(state.high, value)
  state.low = extendLow(state.low, value)
}

/** Of everything read so far. */
export function hashOf(state: LanguageState): RollingHash {
  return { high: state.high, low: state.low }
}
