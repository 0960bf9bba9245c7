/** Tokens per second over the last ten seconds. Plain data, of at most ten numbers. */

export interface TokenRate {
  /** Sums by second since the epoch, oldest first. */
  readonly seconds: readonly { readonly second: number; readonly tokens: number }[]
}

export const NO_TOKENS: TokenRate = { seconds: [] }

const WINDOW_SECONDS = 10

/** Adds what was sent just now. */
export function addTokens(rate: TokenRate, tokens: number, nowMs: number): TokenRate {
  if (!Number.isFinite(tokens) || tokens <= 0) return rate
  const second = Math.floor(nowMs / 1000)
  const recent = rate.seconds.filter((sum) => isRecent(sum, second))
  const last = recent.at(-1)
  return last?.second === second
    ? { seconds: [...recent.slice(0, -1), { second, tokens: last.tokens + tokens }] }
    : { seconds: [...recent, { second, tokens }] }
}

export function tokensPerSecond(rate: TokenRate, nowMs: number): number {
  const second = Math.floor(nowMs / 1000)
  const recent = rate.seconds.filter((sum) => isRecent(sum, second))
  return recent.reduce((total, { tokens }) => total + tokens, 0) / WINDOW_SECONDS
}

/** A clock that was set back leaves sums in the future; they are dropped, so that there are never more than ten. */
function isRecent(sum: { readonly second: number }, second: number): boolean {
  return sum.second > second - WINDOW_SECONDS && sum.second <= second
}
