/**
 * What one observer believes is cached where: which pool it sent which prefixes to and when, put right by what pools
 * say they had cached. A dispatch counts at once, before the pool has computed anything, so that the next request with
 * the same beginning follows it.
 *
 * Belief fades with the pool's retention, each part of a prefix by its own last use. Where a pool has much less than
 * expected, all that was last used there no later than what is missing counts as lost too: caches give up first what
 * was used longest ago, and a restart loses all. What was sent since stands.
 */
import { createPrefixUses } from './prefix-uses.ts'
import { observeSurvival, retentionMs } from './retention.ts'
import type { Anchor, Anchors } from './anchors.ts'
import type { Retention } from './retention.ts'

/** Mutable, and bounded: thousands of prefixes, and a record per pool of the config. */
export interface Warmth {
  /** What a pool is believed to have cached of a prompt. */
  believed(
    anchors: Anchors,
    pool: string,
    asked: { readonly promptTokens: number; readonly nowMs: number },
  ): Belief
  /** A prompt is sent to a pool. */
  note(anchors: Anchors, pool: string, nowMs: number): void
  /** The prompt that was sent at `askedAtMs` has come to nothing: the pool refused it, or was never reached. */
  refused(anchors: Anchors, pool: string, askedAtMs: number): void
  /** What the pool then said it had cached; not to be called where it did not say. */
  corrected(anchors: Anchors, pool: string, seen: Seen): void
}

export interface Belief {
  /** Expected prompt tokens, 0 where nothing is known. */
  readonly tokens: number
  /** What was there when it was last used, in whole blocks; `tokens` is what should be left of it. */
  readonly knownTokens: number
  /** When the deepest of it was last used; undefined where nothing is known. */
  readonly lastUsedMs?: number
}

export interface Seen {
  /** What was believed before the dispatch was noted. */
  readonly belief: Belief
  readonly cachedTokens: number
  readonly promptTokens: number
  /** When the request was sent: what `note` was given. */
  readonly askedAtMs: number
  readonly nowMs: number
}

/** A beginning of a prompt and its last use. */
interface Part {
  readonly tokens: number
  readonly usedMs: number
}

/** vLLM's block: engines share whole blocks of this or about this size. */
const BLOCK_TOKENS = 16
/** Less may be missing for other reasons, such as a template that renders a date. */
const MIN_EVIDENCE_TOKENS = 512
/** Of what was expected: engines lose a prefix from its end, so that a little less is nothing unusual. */
const LOST_BELOW_FRACTION = 0.5

export function createWarmth(): Warmth {
  const uses = createPrefixUses()
  const retentions = new Map<string, Retention>()

  function touch(list: readonly Anchor[], pool: string, nowMs: number): void {
    // Deepest first, so that what many prompts share is the last to leave the table.
    for (const { id } of list.toReversed()) {
      const known = uses.at(id, pool)
      const usedMs = Math.max(nowMs, known?.usedMs ?? nowMs)
      uses.put(id, pool, { usedMs, computedMs: known?.computedMs })
    }
  }

  /** What is known of a prompt at a pool, deepest first. */
  function partsAt(anchors: Anchors, pool: string, promptTokens: number): readonly Part[] {
    const parts: Part[] = []
    let usedMs = -Infinity
    for (const anchor of anchors.list.toReversed()) {
      const use = uses.at(anchor.id, pool)
      if (use === undefined) continue
      // Whoever used a prefix used all that comes before its end.
      usedMs = Math.max(usedMs, use.usedMs)
      parts.push({ tokens: tokensUpTo(anchor, anchors, promptTokens), usedMs })
    }
    return parts
  }

  /** What should have been there: another request may have been computing the rest when this one was sent. */
  function provenTokens(anchors: Anchors, pool: string, { promptTokens, askedAtMs, belief }: Seen): number {
    const proven = anchors.list.findLast(({ id }) => (uses.at(id, pool)?.computedMs ?? Infinity) <= askedAtMs)
    return proven === undefined ? 0 : Math.min(belief.knownTokens, tokensUpTo(proven, anchors, promptTokens))
  }

  /** Learns from what is left of a prefix that was there for sure; true where the pool has lost it. */
  function learnLoss(pool: string, provenTokens: number, seen: Seen): boolean {
    const { belief, cachedTokens, askedAtMs } = seen
    if (belief.lastUsedMs === undefined || provenTokens < MIN_EVIDENCE_TOKENS) return false
    const survival = { ageMs: askedAtMs - belief.lastUsedMs, survivedFraction: cachedTokens / provenTokens }
    retentions.set(pool, observeSurvival(retentions.get(pool), survival))
    const expected = Math.min(belief.tokens, provenTokens)
    if (expected < MIN_EVIDENCE_TOKENS || cachedTokens >= expected * LOST_BELOW_FRACTION) return false
    uses.forget(pool, Math.min(belief.lastUsedMs, askedAtMs - 1))
    return true
  }

  return {
    believed(anchors, pool, { promptTokens, nowMs }) {
      const parts = partsAt(anchors, pool, promptTokens)
      const [deepest] = parts
      if (deepest === undefined) return { tokens: 0, knownTokens: 0 }
      const tokens = expectedTokens(parts, nowMs, retentionMs(retentions.get(pool)))
      return { tokens, knownTokens: deepest.tokens, lastUsedMs: deepest.usedMs }
    },

    note(anchors, pool, nowMs) {
      touch(anchors.list, pool, nowMs)
    },

    refused(anchors, pool, askedAtMs) {
      for (const { id } of anchors.list) {
        const use = uses.at(id, pool)
        // What was computed before, or sent again since, is none of this request's.
        if (use?.usedMs === askedAtMs && use.computedMs === undefined) uses.drop(id, pool)
      }
    },

    corrected(anchors, pool, seen) {
      const { belief, cachedTokens, promptTokens, askedAtMs, nowMs } = seen
      const isLost = learnLoss(pool, provenTokens(anchors, pool, seen), seen)
      if (cachedTokens > belief.tokens) {
        // There before this dispatch, by others' doing.
        const isCached = (anchor: Anchor) => tokensUpTo(anchor, anchors, promptTokens) <= cachedTokens
        touch(anchors.list.filter(isCached), pool, askedAtMs)
      }
      for (const { id } of anchors.list) {
        const use = uses.at(id, pool)
        if (use === undefined || (use.computedMs !== undefined && !isLost)) continue
        uses.put(id, pool, { ...use, computedMs: nowMs })
      }
    },
  }
}

/** Whole blocks up to an anchor, tokens taken to be spread evenly over the prompt's bytes. */
function tokensUpTo(anchor: Anchor, anchors: Anchors, promptTokens: number): number {
  const tokens = (promptTokens * anchor.bytes) / anchors.bytes
  return Math.floor(tokens / BLOCK_TOKENS) * BLOCK_TOKENS
}

/** Each stretch between two ends of known beginnings survives by its own age. Rounded down. */
function expectedTokens(parts: readonly Part[], nowMs: number, thetaMs: number): number {
  let expected = 0
  for (const [index, { tokens, usedMs }] of parts.entries()) {
    const shallower = parts[index + 1]?.tokens ?? 0
    expected += (tokens - shallower) * Math.exp(-Math.max(0, nowMs - usedMs) / thetaMs)
  }
  return Math.floor(expected)
}
