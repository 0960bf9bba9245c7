/** Why an allowed pool cannot take a request now. Each filter gives a reason, or undefined to keep the pool. */
import { mayDispatch } from '../pool/circuit-breaker.ts'
import { saturatedUntilMs } from '../pool/saturation.ts'
import type { PoolState } from '../pool/snapshot.ts'
import type { PlacedPool } from '../residency/place.ts'
import type { Pool } from '../schema/mesh.ts'

export type RejectReason =
  'version_not_served' | 'fields_not_supported' | 'context_too_long' | 'breaker_open' | 'saturated'

export interface FilterSubject {
  readonly placed: PlacedPool
  readonly state: PoolState
}

/** What the filters need to know about the request. */
export interface FilterContext {
  readonly version: string
  /** Id of the API key or tenant, as in the pool states. */
  readonly key: string
  readonly nowMs: number
  /** Whether the pool's dialect takes every field of the body. */
  readonly acceptsFields: (pool: Pool) => boolean
  /** Tokens; without it the length is not judged. */
  readonly contextLength?: number
  /** A guess from the prompt's size. */
  readonly estimatedPromptTokens?: number
  /** The output limit the client asked for. */
  readonly limitTokens?: number
}

type Filter = (subject: FilterSubject, context: FilterContext) => RejectReason | undefined

/** Guesses of token counts are off by up to a factor of two on odd text; only what is too long even so is refused. */
const GUESS_MARGIN = 2

/**
 * What can never work before what does not work now. The breaker comes last, because a pool that only its breaker
 * keeps out may still be the last resort.
 */
const FILTERS: readonly Filter[] = [byVersion, byFields, byContextLength, bySaturation, byBreaker]

/** The first filter's objection, or undefined. */
export function rejectReason(subject: FilterSubject, context: FilterContext): RejectReason | undefined {
  for (const filter of FILTERS) {
    const reason = filter(subject, context)
    if (reason !== undefined) return reason
  }
  return undefined
}

function byVersion({ placed }: FilterSubject, { version }: FilterContext): RejectReason | undefined {
  return placed.served(version) === undefined ? 'version_not_served' : undefined
}

function byFields({ placed }: FilterSubject, { acceptsFields }: FilterContext): RejectReason | undefined {
  return acceptsFields(placed.pool) ? undefined : 'fields_not_supported'
}

function byContextLength(_subject: FilterSubject, context: FilterContext): RejectReason | undefined {
  const { contextLength, estimatedPromptTokens = 0, limitTokens = 0 } = context
  const least = estimatedPromptTokens / GUESS_MARGIN + limitTokens
  return contextLength !== undefined && least > contextLength ? 'context_too_long' : undefined
}

function bySaturation({ state }: FilterSubject, { key, nowMs }: FilterContext): RejectReason | undefined {
  return saturatedUntilMs(state.saturation, key, nowMs) > nowMs ? 'saturated' : undefined
}

function byBreaker({ state }: FilterSubject, { nowMs }: FilterContext): RejectReason | undefined {
  return mayDispatch(state.breaker, nowMs) ? undefined : 'breaker_open'
}
