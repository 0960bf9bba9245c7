/** Why a pool refused before it gave a token: its status said so, or the first event of its stream. */

/** `retryable` says whether another pool may be asked. */
export interface PoolFault {
  readonly kind: 'context_length' | 'rejected' | 'saturated' | 'unavailable' | 'misconfigured'
  readonly retryable: boolean
}
