/**
 * Which of the scored candidates gets the request. The best one, but:
 *
 * - a pool that has much of the prompt cached keeps it until leaving clearly pays (llm-d's "sticky until saturated"): a
 *   move makes the next turns of a conversation miss, too;
 * - among candidates that the estimates cannot tell apart, requests with the same beginning go to the same one of two
 *   hashed candidates (DualMap), the others are spread by softmax, so that many dispatchers with the same old numbers do
 *   not all go to the same pool;
 * - now and then a small request looks at a pool that may have become better than what is known of it.
 *
 * Everything it goes by is in its input: a record of that explains the decision.
 */
export interface Scored {
  readonly pool: string
  /** Expected cost, milliseconds. */
  readonly scoreMs: number
  readonly warmTokens: number
  readonly msPerToken: number
  /** The share of its places that is taken. */
  readonly load: number
  readonly noiseMs: number
}

export interface PickInput {
  readonly candidates: readonly Scored[]
  /** Two pools that requests with this beginning prefer, where estimates do not tell candidates apart. */
  readonly hashed: readonly string[]
  /** A pool that is to be looked at by this request. */
  readonly look?: string
  /** Uniform in [0, 1). */
  readonly draw: number
}

export type PickReason = 'best' | 'warm' | 'hashed' | 'spread' | 'look'

export interface Pick {
  readonly pool: string
  readonly reason: PickReason
}

/** Fewer cached tokens are not worth a detour, and pools that differ by fewer have as much. */
const MIN_WARM_TOKENS = 256
/** A warm pool is left when it is this much worse than the best. */
const STAY_SHARE = 0.1
/** Half of the conversations go on while the prefix is still there (a guess: what a move costs the next turn). */
const RETURN_SHARE = 0.5
/** Estimates that differ by less cannot be told apart, however well they have been met of late. */
const MIN_TIE_MS = 5
/** Nor, however badly, is more than this called the same. */
const MAX_TIE_SHARE = 0.15
const MIN_TIE_CAP_MS = 10
/** The second of two hashed pools is taken where it has this share of its places more free; less is chance. */
const HASHED_LOAD_GAP = 0.25
/**
 * Among equals an idle pool has e² times the weight of a full one. In simulation, with 30 s old reports and engines that
 * slow down under load, e⁴ let the busiest of four equal pools get 1.3 times the mean, e² 1.07 times.
 */
const LOAD_ENERGY = 2

/** Undefined without candidates. */
export function pick({ candidates: given, hashed, look, draw }: PickInput): Pick | undefined {
  const candidates = given.toSorted((a, b) => a.scoreMs - b.scoreMs || (a.pool < b.pool ? -1 : 1))
  const [best] = candidates
  if (best === undefined) return undefined
  if (look !== undefined) return { pool: look, reason: 'look' }

  const field = homesOf(candidates, best) ?? candidates
  const [first = best] = field
  const widthMs = tieMs(first)
  const ties = field.filter(({ scoreMs }) => scoreMs - first.scoreMs <= widthMs)
  if (ties.length === 1) return { pool: first.pool, reason: first === best ? 'best' : 'warm' }
  const preferred = hashedAmong(ties, hashed)
  if (preferred !== undefined) return { pool: preferred.pool, reason: 'hashed' }
  return { pool: spread(ties, first, widthMs, draw).pool, reason: 'spread' }
}

/** Candidates within so many milliseconds of the best one count as equal to it. */
export function tieMs(best: Scored): number {
  const capMs = Math.max(MIN_TIE_CAP_MS, MAX_TIE_SHARE * best.scoreMs)
  return Math.min(capMs, Math.max(MIN_TIE_MS, best.noiseMs))
}

/**
 * Those that have most of the prompt cached, as far as they are worth staying at. Several where it is a beginning that
 * many prompts share: one pool must not get them all for having been first.
 */
function homesOf(candidates: readonly Scored[], best: Scored): readonly Scored[] | undefined {
  const most = Math.max(...candidates.map(({ warmTokens }) => warmTokens))
  if (most < MIN_WARM_TOKENS) return undefined
  const homes = candidates.filter(({ warmTokens }) => warmTokens > most - MIN_WARM_TOKENS)
  const [home] = homes
  return home !== undefined && home.scoreMs - best.scoreMs <= stayMs(home, best) ? homes : undefined
}

function stayMs(home: Scored, best: Scored): number {
  const nextTurnMs = RETURN_SHARE * Math.max(0, home.warmTokens - best.warmTokens) * home.msPerToken
  return Math.max(tieMs(best), STAY_SHARE * home.scoreMs) + nextTurnMs
}

/** The first of the two, unless the second is clearly less loaded. */
function hashedAmong(ties: readonly Scored[], hashed: readonly string[]): Scored | undefined {
  const [first, second] = hashed.flatMap((id) => ties.find(({ pool }) => pool === id) ?? [])
  if (first === undefined || second === undefined) return first
  return first.load - second.load > HASHED_LOAD_GAP ? second : first
}

function spread(ties: readonly Scored[], best: Scored, widthMs: number, draw: number): Scored {
  const weights = ties.map(({ scoreMs, load }) =>
    Math.exp((best.scoreMs - scoreMs) / widthMs + LOAD_ENERGY * (best.load - load)),
  )
  let left = draw * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, candidate] of ties.entries()) {
    left -= weights[index] ?? 0
    if (left < 0) return candidate
  }
  return best
}
