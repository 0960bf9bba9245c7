/**
 * Which requests each pool has failed lately, so that the death of a pool is not held against a request when others had the
 * same from it at about the same time: then it was the pool.
 */

export interface PoolLosses {
  /** `request` is any object that stands for one request, the same for all of its dispatches. */
  note(pool: string, request: object, atMs: number): void
  /** Whether the pool failed other requests, too, shortly before or after it failed this one. */
  isShared(pool: string, request: object): boolean
}

interface Loss {
  readonly request: WeakRef<object>
  readonly atMs: number
}

/** What is cut off at once is noticed within an idle deadline's jitter on a busy machine; a pool that crashed starts for longer. */
const TOGETHER_MS = 2000
/** Of a pool: more than this says nothing more. */
const MAX_LOSSES = 64

export function createPoolLosses(): PoolLosses {
  const losses = new Map<string, readonly Loss[]>()
  return {
    note(pool, request, atMs) {
      const known = losses.get(pool) ?? []
      losses.set(pool, [...known, { request: new WeakRef(request), atMs }].slice(-MAX_LOSSES))
    },
    isShared(pool, request) {
      const known = losses.get(pool) ?? []
      const own = known.filter((loss) => loss.request.deref() === request)
      const others = known.filter((loss) => loss.request.deref() !== request)
      return own.some(({ atMs }) => others.some((other) => Math.abs(other.atMs - atMs) <= TOGETHER_MS))
    },
  }
}
