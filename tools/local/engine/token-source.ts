/** Gives the tokens of one choice, one after the other: of a story, or of JSON that fits a shape. */
import { beginLanguage, hashOf, nextText, readToken, type Deviation, type LanguageState } from './language.ts'
import { seededRandom, type Random } from './random.ts'
import { choose, type RollingHash } from './rolling-hash.ts'
import type { Shape } from './shape.ts'
import { valueOf } from './shape-value.ts'
import { encode, SPECIAL_TOKENS } from './tokenizer.ts'

export interface TokenSourceOptions {
  readonly model: string
  readonly prompt: readonly number[]
  /** 0 is greedy: the text alone decides. */
  readonly temperature: number
  /** Drawn from only above temperature 0; seeded per generation, so a continuation draws from the start again. */
  readonly random: Random
  /** Without it, a story. */
  readonly grammar?: Shape | undefined
}

export interface TokenSource {
  /** The next token; the end of a story only if it may end, JSON's where it is complete. After it there is no next. */
  next(mayEnd: boolean): DrawnToken
}

export interface DrawnToken {
  readonly token: number
  /** The one that greedy decoding takes here. */
  readonly likeliest: number
  /** Whether much else could stand here: a word begins. */
  readonly isOpen: boolean
  /** Of everything before it, for what else is decided by the place. */
  readonly place: RollingHash
}

/** From here on rolling-hash's purposes 0 to 3 are the language's. */
const SEED_PURPOSE = 4

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const state = beginLanguage(options.model)
  for (const token of options.prompt) readToken(state, token)
  const { grammar } = options
  return grammar === undefined ? storySource(state, options) : jsonSource(state, options, grammar)
}

function storySource(state: LanguageState, options: TokenSourceOptions): TokenSource {
  let pending: number[] = []
  let read = 0
  return {
    next(mayEnd) {
      const place = hashOf(state)
      const isOpen = read === pending.length
      let likeliest: number | undefined
      if (isOpen) {
        // Looked up before anything is sampled: a sampled word is remembered as the one that stands here.
        const greedy = nextText(state, mayEnd)
        const deviation = deviate(options)
        const text = deviation === undefined ? greedy : nextText(state, mayEnd, deviation)
        const end = SPECIAL_TOKENS.endOfTurn
        if (greedy === undefined || text === undefined) return { token: end, likeliest: end, isOpen, place }
        likeliest = encode(greedy)[0]
        pending = encode(text)
        read = 0
      }
      const token = pending[read]
      if (token === undefined) throw new Error('the language wrote an empty text')
      read += 1
      readToken(state, token)
      return { token, likeliest: likeliest ?? token, isOpen, place }
    },
  }
}

/** Begins anew whatever the prompt ends with, as the grammars of real engines do. */
function jsonSource(state: LanguageState, options: TokenSourceOptions, grammar: Shape): TokenSource {
  const greedySeed = choose(hashOf(state), SEED_PURPOSE, 2 ** 32)
  const random = seededRandom(deviate(options)?.(2 ** 32) ?? greedySeed)
  const value = valueOf(grammar, (count) => Math.floor(random() * count))
  const tokens = encode(JSON.stringify(value))
  let read = 0
  return {
    next() {
      const place = hashOf(state)
      const token = tokens[read] ?? SPECIAL_TOKENS.endOfTurn
      read += 1
      readToken(state, token)
      return { token, likeliest: token, isOpen: false, place }
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
