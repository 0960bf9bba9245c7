/**
 * A limit per minute as a token bucket: it holds a minute's worth, is filled evenly, and what was taken and not used is put
 * back. What is larger than the whole bucket is taken from a full one, which is then in debt.
 */

export interface Bucket {
  readonly level: number
  readonly atMs: number
}

const MINUTE_MS = 60_000

export function fullBucket(perMinute: number, nowMs: number): Bucket {
  return { level: perMinute, atMs: nowMs }
}

/** The bucket as it is now. A clock that went back fills nothing; a limit that was lowered empties what is above it. */
export function refilled({ level, atMs }: Bucket, perMinute: number, nowMs: number): Bucket {
  const filled = level + (Math.max(0, nowMs - atMs) * perMinute) / MINUTE_MS
  return { level: Math.min(perMinute, filled), atMs: Math.max(atMs, nowMs) }
}

/** Milliseconds until so much can be taken from a bucket that is as of now; 0: at once. Infinity: never. */
export function waitMs({ level }: Bucket, amount: number, perMinute: number): number {
  const missing = Math.min(amount, perMinute) - level
  if (perMinute === 0) return Infinity
  return missing <= 0 ? 0 : Math.ceil((missing * MINUTE_MS) / perMinute)
}

/** Takes, or with a negative amount puts back, never more than fits. */
export function taken({ level, atMs }: Bucket, amount: number, perMinute: number): Bucket {
  return { level: Math.min(perMinute, level - amount), atMs }
}
