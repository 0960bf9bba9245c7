/** What to tell the client when a ranking is empty. */
import type { GatewayError } from '../errors.ts'
import type { RejectReason } from './filters.ts'
import type { Ranking } from './rank.ts'

/** A pool that does not serve the version appears when the config changes, which no client can know. */
const LONGEST_WAIT_MS = 60_000

/**
 * The error of an empty ranking: `no_eligible_pool` with the seconds to wait if waiting may help; otherwise what the
 * client can change, if that is what kept every pool out.
 */
export function refusalOf({ rejected, retryAfterMs }: Ranking): GatewayError {
  if (retryAfterMs === undefined) {
    const onlyReason = (reason: RejectReason): boolean => rejected.every((pool) => pool.reason === reason)
    if (onlyReason('context_too_long')) return { reason: 'context_length_exceeded' }
    if (rejected.some(({ reason }) => reason === 'fields_not_supported')) {
      return { reason: 'unsupported_parameter' }
    }
  }
  return { reason: 'no_eligible_pool', retryAfterSeconds: toWholeSeconds(retryAfterMs ?? LONGEST_WAIT_MS) }
}

function toWholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}
