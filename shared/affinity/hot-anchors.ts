/**
 * Which anchor a prompt is hashed on: the shallowest that is not hot, so that prompts with a common beginning meet at
 * one pool, and a beginning that too many have is spread by what follows it (DualMap, arXiv 2602.06502).
 *
 * A mutable store and not values: a thousand requests leave thousands of counts, and copying them for each would cost
 * more than all else in a pick.
 */
import type { Anchor, Anchors } from './anchors.ts'

export interface HotAnchors {
  /** Counts a request, once. */
  note(anchors: Anchors): void
  /** Undefined where there are no anchors; the deepest where all are hot. */
  affinityAnchor(anchors: Anchors, poolCount: number): Anchor | undefined
}

/** Two of them make the last 1,000 requests; the older is dropped whole, so that 500 to 1,000 count. */
const WINDOW_REQUESTS = 500
/** A pool's fair share is one in as many as there are; twice that is too much for one (DualMap). */
const HOT_FAIR_SHARES = 2
/** Fewer say nothing of a share: the first request of an isolate is all there is. */
const MIN_HOT_REQUESTS = 10

export function createHotAnchors(): HotAnchors {
  let current = emptyWindow()
  let previous = emptyWindow()

  function isHot({ id }: Anchor, poolCount: number): boolean {
    const count = (current.counts.get(id) ?? 0) + (previous.counts.get(id) ?? 0)
    const total = current.requests + previous.requests
    return count >= MIN_HOT_REQUESTS && count * poolCount > HOT_FAIR_SHARES * total
  }

  return {
    note(anchors) {
      if (current.requests >= WINDOW_REQUESTS) [previous, current] = [current, emptyWindow()]
      current.requests += 1
      for (const { id } of anchors.list) current.counts.set(id, (current.counts.get(id) ?? 0) + 1)
    },
    affinityAnchor(anchors, poolCount) {
      return anchors.list.find((anchor) => !isHot(anchor, poolCount)) ?? anchors.list.at(-1)
    },
  }
}

function emptyWindow() {
  return { requests: 0, counts: new Map<number, number>() }
}
