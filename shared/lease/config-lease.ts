/**
 * A lease on the config: the right to act under a version of it for a few seconds. Entries of the store are numbered, and a
 * holder never goes back to a lower number; a rollback is a new entry with an old text.
 */
import { LEASE_TTL_MS } from './lease.ts'

export interface ConfigGrant {
  /** Number of the store's entry, from 1. */
  readonly number: number
  /** Id of its text: `cfg_` and 12 hex digits. */
  readonly version: string
}

/** As a data centre's isolates leave it to each other: its end is a time on a clock that they share but for milliseconds. */
export interface ConfigCopy extends ConfigGrant {
  readonly expiresAtMs: number
}

/** Clocks within a data centre differ by less. What ends later than a grant given now would was not left by one of ours. */
const MAX_SKEW_MS = 1_000

/** As a lease runs from when the holder asked. */
export function copyFrom({ number, version }: ConfigGrant, askedAtMs: number): ConfigCopy {
  return { number, version, expiresAtMs: askedAtMs + LEASE_TTL_MS }
}

/** Whether an isolate may act on a copy, given the newest number it knows. */
export function isUsable(copy: ConfigCopy, newestNumber: number, nowMs: number): boolean {
  const leftMs = copy.expiresAtMs - nowMs
  return copy.number >= newestNumber && leftMs > 0 && leftMs <= LEASE_TTL_MS + MAX_SKEW_MS
}
