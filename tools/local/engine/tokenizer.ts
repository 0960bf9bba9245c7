/**
 * Turns text into token ids and back, without a vocabulary file. A token is up to five letters, or one other
 * character, with the space before it. The id packs the piece, so every text, also one cut inside a word or
 * between the halves of a surrogate pair, has tokens, and joining the texts of tokens gives the text back.
 */

/** Tokens that no text can produce: a user who types a template's marker does not open a turn. */
export const SPECIAL_TOKENS = {
  beginning: 0,
  endOfTurn: 1,
  system: 2,
  user: 3,
  assistant: 4,
  tool: 5,
  toolDefinitions: 6,
} as const

const SPECIAL_COUNT = 16
const MAX_CODE_POINT = 0x10ffff
/** Keeps a word at 1.3 tokens and English near 4 characters a token, as real vocabularies have it. */
const MAX_LETTERS = 5
/** 26 lower, 26 upper, and 0 for "no letter". Five letters and the space flag stay below 2^31. */
const RADIX = 53
const LETTERS_BASE = 2_300_000
const LETTERS_END = LETTERS_BASE + 2 * RADIX ** MAX_LETTERS

/** Splits text greedily from the left; the tokens of a prefix that ends at a token are a prefix of the tokens. */
export function encode(text: string): number[] {
  const tokens: number[] = []
  let at = 0
  while (at < text.length) {
    const first = text.charCodeAt(at)
    const second = at + 1 < text.length ? text.charCodeAt(at + 1) : SPACE
    const leads = first === SPACE && second !== SPACE && second !== NEWLINE
    const start = leads ? at + 1 : at
    let end = start
    let packed = 0
    let weight = 1
    while (end < text.length && end - start < MAX_LETTERS) {
      const code = letterCode(text.charCodeAt(end))
      if (code === 0) break
      packed += code * weight
      weight *= RADIX
      end += 1
    }
    if (end > start) {
      tokens.push(LETTERS_BASE + packed * 2 + (leads ? 1 : 0))
    } else {
      const codePoint = text.codePointAt(start) ?? SPACE
      tokens.push(SPECIAL_COUNT + codePoint * 2 + (leads ? 1 : 0))
      end = start + (codePoint > 0xffff ? 2 : 1)
    }
    at = end
  }
  return tokens
}

/** The text of one token; '' for the special ones and for ids outside the vocabulary. */
export function tokenText(token: number): string {
  if (token >= LETTERS_BASE) return lettersOf(token) ?? ''
  if (token < SPECIAL_COUNT) return ''
  const rest = token - SPECIAL_COUNT
  const codePoint = Math.floor(rest / 2)
  if (codePoint > MAX_CODE_POINT) return ''
  return (rest % 2 === 1 ? ' ' : '') + String.fromCodePoint(codePoint)
}

export function decode(tokens: readonly number[]): string {
  return tokens.map(tokenText).join('')
}

export function isSpecial(token: number): boolean {
  return token < SPECIAL_COUNT
}

/** Whether an id sent by a client is in the vocabulary. */
export function isToken(token: number): boolean {
  if (!Number.isInteger(token) || token < 0) return false
  if (token <= SPECIAL_TOKENS.toolDefinitions) return true
  return tokenText(token) !== ''
}

const SPACE = 0x20
const NEWLINE = 0x0a

function letterCode(charCode: number): number {
  if (charCode >= 97 && charCode <= 122) return charCode - 96
  if (charCode >= 65 && charCode <= 90) return charCode - 38
  return 0
}

function lettersOf(token: number): string | undefined {
  if (token >= LETTERS_END) return undefined
  let text = (token - LETTERS_BASE) % 2 === 1 ? ' ' : ''
  let packed = Math.floor((token - LETTERS_BASE) / 2)
  if (packed === 0) return undefined
  while (packed > 0) {
    const code = packed % RADIX
    if (code === 0) return undefined
    text += String.fromCharCode(code <= 26 ? code + 96 : code + 38)
    packed = Math.floor(packed / RADIX)
  }
  return text
}
