/** Why an allowed pool cannot take a request now. Each filter gives a reason, or undefined to keep the pool. */
import { mayDispatch } from '../pool/circuit-breaker.ts'
import { saturatedUntilMs } from '../pool/saturation.ts'
import type { PoolState } from '../pool/snapshot.ts'
import type { PlacedPool } from '../residency/place.ts'
import type { Pool } from '../schema/mesh.ts'
import type { RequestSize } from './estimate.ts'
import { freshReport } from './queue.ts'

export type RejectReason =
  | 'version_not_served'
  | 'fields_not_supported'
  | 'context_too_long'
  | 'drained'
  | 'power_capped'
  | 'breaker_open'
  | 'saturated'

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
  readonly size: RequestSize
  /** The output limit the client asked for. */
  readonly limitTokens?: number
}

type Filter = (subject: FilterSubject, context: FilterContext) => RejectReason | undefined

/**
 * What can never work before what does not work now. The breaker comes last, because a pool that only its breaker
 * keeps out may still be the last resort.
 */
const FILTERS: readonly Filter[] = [
  byVersion,
  byFields,
  byContextLength,
  byDrain,
  byPower,
  bySaturation,
  byBreaker,
]

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
  const { contextLength, limitTokens = 0 } = context
  // What the prompt takes of the window only its pool can count.
  return contextLength !== undefined && limitTokens > contextLength ? 'context_too_long' : undefined
}

function byDrain({ state }: FilterSubject): RejectReason | undefined {
  return state.shared?.isDrained === true ? 'drained' : undefined
}

/** What a pool may draw in power is what it may compute at once: tokens of running requests, as the operator set it. */
function byPower({ placed, state }: FilterSubject, { size, nowMs }: FilterContext): RejectReason | undefined {
  const { max_running_tokens: cap } = placed.pool
  if (cap === undefined) return undefined
  const own = size.promptTokens + size.outputTokens
  return runningTokens(state, own, nowMs) + own > cap ? 'power_capped' : undefined
}

/** As the pool said, or as many as there would be if all requests there were like this one. */
function runningTokens(state: PoolState, typical: number, nowMs: number): number {
  const { shared, pending } = state
  return freshReport(state, nowMs)?.runningTokens ?? Math.max(pending, shared?.inFlight ?? 0) * typical
}

function bySaturation({ state }: FilterSubject, { key, nowMs }: FilterContext): RejectReason | undefined {
  return saturatedUntilMs(state.measures.saturation, key, nowMs) > nowMs ? 'saturated' : undefined
}

function byBreaker({ state }: FilterSubject, { nowMs }: FilterContext): RejectReason | undefined {
  return mayDispatch(state.measures.breaker, nowMs) ? undefined : 'breaker_open'
}
