/** Money: integer micro-dollars (a millionth of a US dollar), and what tokens cost under a pool's price table. */

/** A pool's prices as the config has them: US dollars per million tokens, which is micro-dollars per token. */
export interface Price {
  readonly prompt: number
  readonly cached_prompt: number
  readonly completion: number
}

/** Tokens as a pool counts them; `cachedTokens` are among `promptTokens`. */
export interface CountedTokens {
  readonly promptTokens: number
  readonly cachedTokens?: number
  readonly completionTokens: number
}

/** Micro-dollars in a dollar, and pico-dollars in a micro-dollar. */
const MILLION = 1_000_000

/** Whether a decimal number has six decimals at most, so that a millionth of its unit is a whole number. */
export function hasMillionths(value: number): boolean {
  return Math.round(value * MILLION) / MILLION === value
}

/** Dollars of the config, which have six decimals at most, in micro-dollars. */
export function microdollarsOf(dollars: number): number {
  return Math.round(dollars * MILLION)
}

/**
 * What tokens cost, in micro-dollars, rounded up once per request: a sum of costs is never less than the bill of a pool that
 * rounds at the end, and nothing that has a price is free. Whatever a pool claims to have cached is part of the prompt.
 */
export function costOf(
  price: Price,
  { promptTokens, cachedTokens = 0, completionTokens }: CountedTokens,
): number {
  const cached = Math.min(cachedTokens, promptTokens)
  const picodollars =
    times(promptTokens - cached, price.prompt) +
    times(cached, price.cached_prompt) +
    times(completionTokens, price.completion)
  return Number((picodollars + BigInt(MILLION - 1)) / BigInt(MILLION))
}

/** What the pool's prefix cache saved, in micro-dollars, rounded down; nothing where cached tokens are not cheaper. */
export function savedByPrefix(price: Price, { promptTokens, cachedTokens = 0 }: CountedTokens): number {
  const cached = Math.min(cachedTokens, promptTokens)
  const picodollars = times(cached, price.prompt) - times(cached, price.cached_prompt)
  return picodollars > 0n ? Number(picodollars / BigInt(MILLION)) : 0
}

/** In pico-dollars. Products of large counts and prices are beyond what a number holds exactly. */
function times(tokens: number, microdollarsPerToken: number): bigint {
  return BigInt(Math.max(0, Math.round(tokens))) * BigInt(Math.round(microdollarsPerToken * MILLION))
}
