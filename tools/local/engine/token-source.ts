/** Gives the tokens of one generation, one after the other. */
import { beginLanguage, nextText, readToken, type Deviation } from './language.ts'
import type { Random } from './random.ts'
import { encode, SPECIAL_TOKENS } from './tokenizer.ts'

export interface TokenSourceOptions {
  readonly model: string
  readonly prompt: readonly number[]
  /** 0 is greedy: the text alone decides. */
  readonly temperature: number
  /** Drawn from only above temperature 0; seeded per generation, so a continuation draws from the start again. */
  readonly random: Random
}

export interface TokenSource {
  /** The next token; the end of the turn only if it may end. After the end there is no next. */
  next(mayEnd: boolean): number
}

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const state = beginLanguage(options.model)
  for (const token of options.prompt) readToken(state, token)
  let pending: number[] = []
  let read = 0

  return {
    next(mayEnd) {
      if (read === pending.length) {
        const text = nextText(state, mayEnd, deviate(options))
        if (text === undefined) return SPECIAL_TOKENS.endOfTurn
        pending = encode(text)
        read = 0
      }
      const token = pending[read]
      if (token === undefined) throw new Error('the language wrote an empty text')
      read += 1
      readToken(state, token)
      return token
    },
  }
}

/** At temperature T a word is another than the likeliest with chance e^(−1/T): never at 0, 37 % at 1. */
function deviate({ temperature, random }: TokenSourceOptions): Deviation {
  if (temperature === 0) return undefined
  const chance = random()
  const draw = random()
  return chance < Math.exp(-1 / temperature) ? (count) => Math.floor(draw * count) : undefined
}
