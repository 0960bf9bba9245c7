/**
 * How long answers of a model usually are, as counts of sizes in buckets a fifth apart: what is set aside for a request whose
 * client gives no limit is what 95 of 100 such answers stayed within.
 */

/** Answers by the number of their bucket. */
export type OutputSizes = ReadonlyMap<number, number>

/** Nineteen buckets from 1 to 32 tokens: a fifth more each. */
const GROWTH = 1.2
const MIN_ANSWERS = 20
/** Beyond this the older ones count half, so that a change shows. */
const MAX_ANSWERS = 2_000
const SHARE = 0.95

/** Until enough answers were seen: longer than most, and short enough that a few requests do not take a small budget. */
export const UNKNOWN_OUTPUT_TOKENS = 4096

export function bucketOf(tokens: number): number {
  return tokens <= 1 ? 0 : Math.ceil(Math.log(tokens) / Math.log(GROWTH) - 1e-9)
}

/** The largest size of a bucket. */
export function sizeOf(bucket: number): number {
  return Math.ceil(GROWTH ** bucket - 1e-9)
}

export function addOutput(sizes: OutputSizes, bucket: number, count: number): OutputSizes {
  const added = new Map(sizes).set(bucket, (sizes.get(bucket) ?? 0) + count)
  if (sum(added) <= MAX_ANSWERS) return added
  return new Map([...added].map(([each, answers]) => [each, Math.floor(answers / 2)]))
}

/** Undefined while too few were seen. At most a fifth more than the exact value. */
export function usualOutputTokens(sizes: OutputSizes): number | undefined {
  const all = sum(sizes)
  if (all < MIN_ANSWERS) return undefined
  let within = 0
  for (const [bucket, count] of [...sizes].toSorted(([a], [b]) => a - b)) {
    within += count
    if (within >= all * SHARE) return sizeOf(bucket)
  }
  return undefined
}

function sum(sizes: OutputSizes): number {
  return [...sizes.values()].reduce((total, count) => total + count, 0)
}
