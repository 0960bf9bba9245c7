/**
 * How long a pool keeps a prefix that nobody uses, from what it said it still had: survival is taken as exponential,
 * exp(−age/θ), and its rate 1/θ as Gamma-distributed, which a Poisson count of losses over an exposure updates by
 * adding both up (Gelman et al., "Bayesian Data Analysis", §2.6). Old samples are forgotten, since load changes it.
 *
 * A loss is seen only at the next use, some time after it happened. So a lost prefix is exposed for its expected life
 * given that it ended within its age (one step of expectation maximisation): with the whole age, θ would come out as
 * the time between uses wherever that is longer than θ.
 */

/** Plain data: decayed sums. */
export interface Retention {
  readonly exposureMs: number
  readonly losses: number
}

export interface Survival {
  /** Since the prefix was last used, at the pool. */
  readonly ageMs: number
  /** Of what was there, what still is: 0 … 1. */
  readonly survivedFraction: number
}

/** One loss in ten minutes: an engine under ordinary load turns its cache over in minutes. */
const PRIOR_EXPOSURE_MS = 600_000
/** What a sample leaves of those before it: about the last hundred count. */
const KEPT_PER_SAMPLE = 0.99
const MIN_RETENTION_MS = 30_000
const MAX_RETENTION_MS = 6 * 3_600_000
/** The least that a clock shows, and as much as any of the retentions above can be told by. */
const MIN_AGE_MS = 1
const MAX_AGE_MS = 24 * 3_600_000
const NOTHING_SEEN: Retention = { exposureMs: 0, losses: 0 }

/** Folds in one report. One whose age is not above 0, or that holds no number, says nothing. */
export function observeSurvival(retention: Retention | undefined, seen: Survival): Retention {
  const known = retention ?? NOTHING_SEEN
  const survived = Math.min(1, Math.max(0, seen.survivedFraction))
  if (!(seen.ageMs >= MIN_AGE_MS) || Number.isNaN(survived)) return known
  const ageMs = Math.min(MAX_AGE_MS, seen.ageMs)
  const lost = 1 - survived
  const lifeMs = survived * ageMs + lost * expectedLifeMs(ageMs, retentionMs(known))
  return {
    exposureMs: KEPT_PER_SAMPLE * known.exposureMs + lifeMs,
    losses: KEPT_PER_SAMPLE * known.losses + lost,
  }
}

/** θ in milliseconds, from 30 s to 6 h: after that long without use, 1/e of what a pool had is left. */
export function retentionMs(retention: Retention | undefined): number {
  const { exposureMs, losses } = retention ?? NOTHING_SEEN
  // The prior stands in for losses not yet seen. In full beside many, ten minutes would drown retentions of one.
  const priorLosses = 1 / (1 + losses)
  const estimateMs = (exposureMs + priorLosses * PRIOR_EXPOSURE_MS) / (losses + priorLosses)
  return Math.min(MAX_RETENTION_MS, Math.max(MIN_RETENTION_MS, estimateMs))
}

/** E[life | life < age] of an exponential life of mean θ. */
function expectedLifeMs(ageMs: number, thetaMs: number): number {
  const ages = ageMs / thetaMs
  return thetaMs * (1 - ages / Math.expm1(ages))
}
