/**
 * Whether a pool's failures are enough to leave it. One client must not be able to bring that about by what it sends, so
 * failures count only if several keys had them, or if they are of a kind in which the pool was never reached or sent us
 * elsewhere.
 *
 * Three in a row are enough, where a row is broken only by the success that the failures lacked: those before a first
 * token by a first token, those in mid-stream by an answer that came to its end. Else a pool that dies in the middle of
 * every answer would look well at each first token, and one that is refusing new work while it finishes the old would
 * look well at each end. A pool that fails every other request never fails three times in a row: it is known by its
 * share of failures. The numbers are smaller than those of Envoy's outlier detection (5 in a row; 85 % of at least 50
 * requests), since an isolate sees fewer requests than a proxy.
 */

export type FailureKind = 'unreachable' | 'server_error' | 'timeout' | 'redirect'

export interface Failure {
  readonly kind: FailureKind
  /** Whose request failed: an id of an API key or tenant, never the key itself. */
  readonly key: string
  /** Whether it broke in mid-stream. */
  readonly sawFirstToken: boolean
}

/** What a dispatch showed: a first token and, if all goes well, the answer's end; or a failure before or between. */
export type Outcome = 'first_token' | 'completed' | Failure

export interface Evidence {
  /** The latest in their rows: at most three before a first token, and three in mid-stream. */
  readonly failures: readonly Failure[]
  /** The latest dispatches, at most twenty, oldest first. */
  readonly recent: readonly ('well' | Failure)[]
}

/** Why a pool is left. `breaking_off`: it dies in mid-stream; `outlier`: it fails too often, if never in a row. */
export type Cause = 'unreachable' | 'redirect' | 'failing' | 'breaking_off' | 'outlier'

export interface Conclusion {
  readonly cause: Cause
  /** Whether the pool still answered, if only with errors. */
  readonly answers: boolean
}

export const NO_EVIDENCE: Evidence = { failures: [], recent: [] }

const FAILURES_IN_A_ROW = 3
const KEYS_TO_CONCLUDE = 2
const RECENT_OUTCOMES = 20
const LEAST_OUTCOMES = 10
const OUTLIER_SHARE = 0.5

/** Folds in what a dispatch showed. */
export function weigh(evidence: Evidence, outcome: Outcome): Evidence {
  const { failures, recent } = evidence
  switch (outcome) {
    case 'first_token':
      return {
        failures: failures.filter(isInMidStream),
        recent: latest([...recent, 'well'], RECENT_OUTCOMES),
      }
    case 'completed':
      return { failures: failures.filter(isEarly), recent }
    default: {
      const isAlike = outcome.sawFirstToken ? isInMidStream : isEarly
      const others = failures.filter((failure) => !isAlike(failure))
      const row = latest([...failures.filter(isAlike), outcome], FAILURES_IN_A_ROW)
      const kept = outcome.sawFirstToken ? withoutOneWell(recent) : recent
      return { failures: [...others, ...row], recent: latest([...kept, outcome], RECENT_OUTCOMES) }
    }
  }
}

/** What the evidence is enough for; undefined while the pool is given the benefit of the doubt. */
export function conclude({ failures, recent }: Evidence): Conclusion | undefined {
  const early = failures.filter(isEarly)
  if (early.length === FAILURES_IN_A_ROW && isNoOnesFault(early)) {
    return { cause: causeOf(early), answers: areAnswers(early) }
  }
  const inMidStream = failures.filter(isInMidStream)
  if (inMidStream.length === FAILURES_IN_A_ROW && isNoOnesFault(inMidStream)) {
    return { cause: 'breaking_off', answers: areAnswers(inMidStream) }
  }
  const failed = recent.filter((outcome) => outcome !== 'well')
  const isOutlier = recent.length >= LEAST_OUTCOMES && failed.length >= OUTLIER_SHARE * recent.length
  if (!isOutlier || !isNoOnesFault(failed)) return undefined
  return { cause: 'outlier', answers: failed.length < recent.length || areAnswers(failed) }
}

/**
 * The key that all of three failures in a row before a first token were of. That may be its own doing, and is not enough to
 * leave a pool; undefined where there are fewer, or of several keys.
 */
export function failedAlone({ failures }: Evidence): string | undefined {
  const early = failures.filter(isEarly)
  const [key, ...others] = new Set(early.map((failure) => failure.key))
  return early.length === FAILURES_IN_A_ROW && others.length === 0 ? key : undefined
}

/** The cause that failures before a first token speak of, when each of them is believed. */
export function causeOf(early: readonly Failure[]): Cause {
  if (early.every(({ kind }) => kind === 'unreachable')) return 'unreachable'
  return early.every(isBeyondContent) ? 'redirect' : 'failing'
}

/** Whether each of the failures was at least an answer: then the pool may serve when no other is left. */
export function areAnswers(failures: readonly Failure[]): boolean {
  return failures.every(({ kind }) => kind === 'server_error')
}

export function isInMidStream({ sawFirstToken }: Failure): boolean {
  return sawFirstToken
}

function isEarly({ sawFirstToken }: Failure): boolean {
  return !sawFirstToken
}

/** Whether no one key can have caused them by what its requests contain. */
function isNoOnesFault(failures: readonly Failure[]): boolean {
  return new Set(failures.map(({ key }) => key)).size >= KEYS_TO_CONCLUDE || failures.every(isBeyondContent)
}

function isBeyondContent({ kind, sawFirstToken }: Failure): boolean {
  return !sawFirstToken && (kind === 'unreachable' || kind === 'redirect')
}

/** A dispatch that dies in mid-stream was counted as well at its first token; it counts once. */
function withoutOneWell(recent: Evidence['recent']): Evidence['recent'] {
  const index = recent.indexOf('well')
  return index === -1 ? recent : recent.toSpliced(index, 1)
}

function latest<T>(items: readonly T[], count: number): readonly T[] {
  return items.slice(-count)
}
