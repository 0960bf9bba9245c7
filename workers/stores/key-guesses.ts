/**
 * Slows down who tries keys out: an address that was wrong too often within a minute is refused without a look, but for
 * credentials that were right here before, so that whoever shares the address goes on. Where the platform has a rate limiter
 * bound, wrong keys count there too, over all isolates of the data centre.
 */
import type { Runtime } from '../runtime.ts'

export interface KeyGuesses {
  /** Whether nobody looks at the credential now. `address`: the client's; of one that is not known nothing is counted. */
  isSlowed(address: string, digest: string): boolean
  /** `digest`: SHA-256 of the credential. */
  wasRight(digest: string): void
  wasWrong(address: string, waitUntil: (work: Promise<unknown>) => void): void
}

/** What is bound as `KEY_GUESSES`: Cloudflare's rate limiting binding. */
export interface RateLimit {
  limit(options: { key: string }): Promise<{ success: boolean }>
}

export const GUESS_WINDOW_MS = 60_000
/** A person who mistypes has enough of them, and a program that was given the wrong key is told soon. */
const MAX_WRONG = 20
const MAX_ADDRESSES = 10_000
const MAX_RIGHT = 1000

interface Wrongs {
  readonly sinceMs: number
  readonly count: number
}

export function createKeyGuesses(runtime: Pick<Runtime, 'now'>, limiter: RateLimit | undefined): KeyGuesses {
  const wrongs = new Map<string, Wrongs>()
  const right = new Set<string>()

  function wrongsOf(address: string): Wrongs | undefined {
    const known = wrongs.get(address)
    return known !== undefined && runtime.now() - known.sinceMs < GUESS_WINDOW_MS ? known : undefined
  }

  function count(address: string, times: number): void {
    const known = wrongsOf(address)
    wrongs.delete(address)
    if (wrongs.size >= MAX_ADDRESSES) forgetOldest(wrongs)
    wrongs.set(address, { sinceMs: known?.sinceMs ?? runtime.now(), count: (known?.count ?? 0) + times })
  }

  async function countEverywhere(limit: RateLimit, address: string): Promise<void> {
    // A limiter that fails limits nobody: it is not what keeps keys safe.
    const counted = await limit.limit({ key: address }).catch(() => undefined)
    if (counted?.success === false) count(address, MAX_WRONG)
  }

  return {
    isSlowed: (address, digest) => (wrongsOf(address)?.count ?? 0) >= MAX_WRONG && !right.has(digest),
    wasRight(digest) {
      // The latest stay.
      right.delete(digest)
      if (right.size >= MAX_RIGHT) forgetOldest(right)
      right.add(digest)
    },
    wasWrong(address, waitUntil) {
      if (address === '') return
      count(address, 1)
      if (limiter !== undefined) waitUntil(countEverywhere(limiter, address))
    },
  }
}

function forgetOldest(kept: Map<string, unknown> | Set<string>): void {
  const [oldest] = kept.keys()
  if (oldest !== undefined) kept.delete(oldest)
}
