/**
 * How every end of a request is settled. Whoever calls the pool settles what that used: the edge for a private answer, the
 * log's shard for a shared one. The edge that a request came to settles the request itself: it counts it, gives its
 * reservation back, and notes what it saved.
 */
import type { AnswerFacts, AnswerOutcome } from '../log/answer-facts.ts'
import { costOf, savedByPrefix, type CountedTokens, type Price } from './money.ts'
import type { UsageEntry, UsageName } from './usage.ts'

export const KINDS = [
  'completed',
  'cancelled',
  'truncated',
  'failed',
  'failed_over',
  'hit',
  'coalesced',
  'extended',
  'detached',
  'lost',
] as const

export type Kind = (typeof KINDS)[number]

export interface Rule {
  /** `counted`: what the pool counted, else the prompt's estimate and the tokens seen. `reserved`: what was set aside for it. */
  readonly charges: 'counted' | 'reserved' | 'nothing'
  /** What is noted as saved: by the pool's prefix cache, or all that the answer would have cost if it had been made for this. */
  readonly saves: 'prefix' | 'hit' | 'coalesced' | 'nothing'
}

export const RULES: Readonly<Record<Kind, Rule>> = {
  completed: { charges: 'counted', saves: 'prefix' },
  // The client left: what was generated until the pool was told.
  cancelled: { charges: 'counted', saves: 'prefix' },
  // It broke, stalled or ran out of time after its first token.
  truncated: { charges: 'counted', saves: 'prefix' },
  // No pool had begun, or it was refused.
  failed: { charges: 'nothing', saves: 'nothing' },
  // Several pools made it: charged once, at the price of the one that ended it.
  failed_over: { charges: 'counted', saves: 'prefix' },
  hit: { charges: 'nothing', saves: 'hit' },
  coalesced: { charges: 'nothing', saves: 'coalesced' },
  // The prompt again, and what was added.
  extended: { charges: 'counted', saves: 'prefix' },
  // It went on after its client had left: charged to the key that began it.
  detached: { charges: 'counted', saves: 'prefix' },
  // The isolate never said what became of it.
  lost: { charges: 'reserved', saves: 'nothing' },
}

/** What a pool was used for. */
export interface PoolUse {
  readonly pool: string
  readonly price: Price
  readonly outcome: AnswerOutcome
  /** Pools that had a part in it. */
  readonly pools: number
  /** What the pool counted; undefined where it never said. */
  readonly counted?: CountedTokens
  /** In place of that: the prompt's estimate, and the tokens that came. */
  readonly seen: CountedTokens
  /** Tokens of the answer that were there before. */
  readonly begunTokens?: number
}

/** How an answer that a pool had begun is settled. */
export function kindOfUse({ outcome, pools, begunTokens }: PoolUse): Kind {
  if (outcome === 'client_cancelled') return 'cancelled'
  if (outcome !== 'completed') return 'truncated'
  if (pools > 1) return 'failed_over'
  return begunTokens === undefined ? 'completed' : 'extended'
}

/** The entry of a use of a pool; it counts no request. */
export function entryOfUse(
  use: PoolUse,
  whose: Pick<UsageName, 'key' | 'model'>,
  kind: Kind = kindOfUse(use),
): UsageEntry {
  const { promptTokens, cachedTokens = 0, completionTokens } = use.counted ?? use.seen
  const added = Math.max(0, completionTokens - (use.begunTokens ?? 0))
  const tokens = { promptTokens, cachedTokens: Math.min(cachedTokens, promptTokens), completionTokens: added }
  return {
    ...whose,
    pool: use.pool,
    kind,
    requests: 0,
    ...tokens,
    microdollars: costOf(use.price, tokens),
    savedHit: 0,
    savedCoalesced: 0,
    savedPrefix: savedByPrefix(use.price, tokens),
  }
}

/** How a request ended, as far as its reader's edge knows. */
export interface RequestEnd {
  /** How it got its answer; absent where none began. */
  readonly answer?: AnswerFacts['outcome']
  /** Absent where it was refused. */
  readonly outcome?: AnswerOutcome
  readonly pool?: string
  readonly price?: Price
  readonly counted?: CountedTokens
  readonly pools?: number
}

/** How a request is settled whose answer was made by somebody else, or not at all. */
export function kindOfRequest({ answer, outcome, pools = 1 }: RequestEnd): Kind {
  if (answer === undefined || outcome === undefined) return 'failed'
  if (answer === 'hit' || answer === 'coalesced' || answer === 'extended') return answer
  if (outcome === 'client_cancelled') return 'cancelled'
  if (outcome !== 'completed') return 'truncated'
  return pools > 1 ? 'failed_over' : 'completed'
}

/** The entry that counts a request, with what it saved; what pools were used for is in entries of its own. */
export function entryOfRequest(end: RequestEnd, whose: Pick<UsageName, 'key' | 'model'>): UsageEntry {
  const kind = kindOfRequest(end)
  const { saves } = RULES[kind]
  const saved = end.price === undefined || end.counted === undefined ? 0 : costOf(end.price, end.counted)
  return {
    ...whose,
    pool: end.pool ?? '',
    kind,
    requests: 1,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    microdollars: 0,
    savedHit: saves === 'hit' ? saved : 0,
    savedCoalesced: saves === 'coalesced' ? saved : 0,
    savedPrefix: 0,
  }
}
