/**
 * Which measured times to first token are kept of a pool: few, but of prompts of every size, so that a run of short ones
 * does not forget what long ones showed.
 */

export interface PrefillSample {
  readonly askedAtMs: number
  /** When the first token came. */
  readonly atMs: number
  readonly ttftMs: number
  /** What of it was spent waiting in the pool's queue, as measured or as expected. */
  readonly queueMs: number
  /** Prompt tokens that the pool had to compute. */
  readonly uncachedTokens: number
  /** The pool itself has said so; else that is what was believed when it was asked. */
  readonly isCounted: boolean
}

/** So many of the newest are kept whatever their size and age. */
export const NEWEST_KEPT = 5
const SIZES_BELOW_TOKENS = [256, 1024, 4096, 16_384, Infinity]
const KEPT_PER_SIZE = 8
/** Of those that await the pool's count they only have to outlast their own answers. */
const AWAITED_PER_SIZE = 4
const MAX_AGE_MS = 600_000
/** Beyond any wait and any context length: what is more is a fault of whoever measured. */
const MAX_MS = 3_600_000
export const MAX_TOKENS = 10_000_000
/** Connecting and warming up take a second or two; who took longer than this may hang. */
const MAX_SETUP_MS = 5_000

export function isSound(sample: PrefillSample): boolean {
  return (
    Number.isFinite(sample.askedAtMs) &&
    Number.isFinite(sample.atMs) &&
    isBetween(sample.ttftMs, MAX_MS) &&
    isBetween(sample.queueMs, MAX_MS) &&
    isTokenCount(sample.uncachedTokens)
  )
}

export function isTokenCount(tokens: number): boolean {
  return isBetween(tokens, MAX_TOKENS)
}

export function isSameDispatch(sample: PrefillSample, other: PrefillSample | undefined): boolean {
  return sample.atMs === other?.atMs && sample.askedAtMs === other.askedAtMs && sample.ttftMs === other.ttftMs
}

/**
 * Whether all were asked for before the first had come: then each may have paid for set-up, and says little of what the pool
 * takes otherwise. Samples must be sorted, oldest first.
 */
export function isFirstImpression(samples: readonly PrefillSample[]): boolean {
  const [first] = samples
  return (
    first !== undefined &&
    first.ttftMs <= MAX_SETUP_MS &&
    samples.every(({ askedAtMs }) => askedAtMs < first.atMs)
  )
}

/**
 * All of both, each once and oldest first, less what need not be kept. Where both have one, the counted one stays.
 * Adding the same again changes nothing that counts.
 */
export function union(
  some: readonly PrefillSample[],
  others: readonly PrefillSample[],
): readonly PrefillSample[] {
  const sorted = [...some, ...others].toSorted(compare)
  return keep(sorted.filter((sample, index) => !isSameDispatch(sample, sorted[index - 1])))
}

/** Samples must be sorted, oldest first. Where a pool counts, those that await its count take no room from the others. */
export function keep(sorted: readonly PrefillSample[]): readonly PrefillSample[] {
  const newestMs = sorted.at(-1)?.atMs ?? 0
  const newestFrom = sorted.length - NEWEST_KEPT
  const recent = sorted.filter((sample, index) => index >= newestFrom || newestMs - sample.atMs <= MAX_AGE_MS)
  const counted = SIZES_BELOW_TOKENS.map(() => KEPT_PER_SIZE)
  const awaited = isCounting(recent) ? SIZES_BELOW_TOKENS.map(() => AWAITED_PER_SIZE) : counted
  const kept: PrefillSample[] = []
  for (const sample of recent.toReversed()) {
    const size = SIZES_BELOW_TOKENS.findIndex((below) => sample.uncachedTokens < below)
    const room = sample.isCounted ? counted : awaited
    const left = room[size] ?? 0
    if (left > 0 || kept.length < NEWEST_KEPT) kept.push(sample)
    room[size] = left - 1
  }
  return kept.reverse()
}

/** Whether the pool says how much of a prompt it had cached, as far as is remembered. */
export function isCounting(samples: readonly PrefillSample[]): boolean {
  return samples.some(({ isCounted }) => isCounted)
}

/** By time; of the same dispatch the counted one first, then by size so that the order is of the set alone. */
function compare(a: PrefillSample, b: PrefillSample): number {
  return (
    a.atMs - b.atMs ||
    a.askedAtMs - b.askedAtMs ||
    a.ttftMs - b.ttftMs ||
    Number(b.isCounted) - Number(a.isCounted) ||
    a.uncachedTokens - b.uncachedTokens ||
    a.queueMs - b.queueMs
  )
}

function isBetween(value: number, max: number): boolean {
  return value >= 0 && value <= max
}
