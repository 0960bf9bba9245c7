/**
 * How likely tokens are said to be: plausible numbers, always the same for the same text before them. One token is
 * the likeliest, nearly certain inside a word; each that follows has half the chance of the one before it.
 */
import { choose } from './rolling-hash.ts'
import type { DrawnToken } from './token-source.ts'
import { encode } from './tokenizer.ts'
import { ALL_WORDS } from './vocabulary.ts'

export interface TokenLogprobs {
  /** Of the token that was drawn. */
  readonly logprob: number
  /** The likeliest first. Above temperature 0 the drawn token may be missing. */
  readonly top: readonly RankedToken[]
}

export interface RankedToken {
  readonly token: number
  readonly logprob: number
}

/** Continues token-source's numbering: choices from one place are independent of each other. */
const CERTAINTY_PURPOSE = 5
const ALTERNATIVES_PURPOSE = 6
const RANK_PURPOSE = 7

/** A sampled token is one of the first ranks after the likeliest. */
const SAMPLED_RANKS = 4

/** What could stand anywhere: the beginnings of words. */
const ALTERNATIVES = [...new Set(ALL_WORDS.flatMap((word) => encode(` ${word}`).slice(0, 1)))]

/** `count` of the likeliest tokens, from 0 to 20. */
export function logprobsOf(drawn: DrawnToken, count: number): TokenLogprobs {
  const { token, likeliest, place } = drawn
  const certainty = choose(place, CERTAINTY_PURPOSE, 1_000) / 1_000
  // From above a third on, so that the half of the rest is always less.
  const chance = drawn.isOpen ? 0.35 + 0.6 * certainty : 0.97 + 0.029 * certainty
  const rank = token === likeliest ? 0 : 1 + choose(place, RANK_PURPOSE, SAMPLED_RANKS)
  const logprobAt = (at: number) => (at === 0 ? Math.log(chance) : Math.log(1 - chance) - at * Math.LN2)

  const top: RankedToken[] = []
  let next = choose(place, ALTERNATIVES_PURPOSE, ALTERNATIVES.length)
  while (top.length < count) {
    const at = top.length
    let ranked = at === 0 ? likeliest : token
    if (at !== 0 && at !== rank) {
      do {
        ranked = ALTERNATIVES[next % ALTERNATIVES.length] ?? likeliest
        next += 1
      } while (ranked === likeliest || ranked === token)
    }
    top.push({ token: ranked, logprob: logprobAt(at) })
  }
  return { logprob: logprobAt(rank), top }
}
