/** Dispatches for the tests of warmth. */
import { anchorsOf } from '../../../shared/affinity/anchors.ts'
import { completion, text } from './prompts.ts'
import type { Anchors } from '../../../shared/affinity/anchors.ts'
import type { Warmth } from '../../../shared/affinity/warmth.ts'

/** Ten minutes: what a pool is taken to keep while nothing is known of it. */
export const THETA_MS = 600_000
/** Of each `prompt`. */
export const PROMPT_TOKENS = 2048

/** 8 KiB, with anchors at 1, 2, 4 and 8 KiB and at its end; of another `about`, another prompt from the start. */
export function prompt(about: number): Anchors {
  return anchorsOf(completion(text(8192, about * 10_000)), 'seed')
}

export function tokensAt(warmth: Warmth, anchors: Anchors, nowMs: number, pool = 'fra'): number {
  return warmth.believed(anchors, pool, { promptTokens: PROMPT_TOKENS, nowMs }).tokens
}

/** A whole dispatch: believe, note, and hear a second later what was cached. */
export function dispatch(
  warmth: Warmth,
  anchors: Anchors,
  askedAtMs: number,
  cachedTokens: number,
  pool = 'fra',
): void {
  const belief = warmth.believed(anchors, pool, { promptTokens: PROMPT_TOKENS, nowMs: askedAtMs })
  warmth.note(anchors, pool, askedAtMs)
  const nowMs = askedAtMs + 1000
  warmth.corrected(anchors, pool, { belief, cachedTokens, promptTokens: PROMPT_TOKENS, askedAtMs, nowMs })
}
