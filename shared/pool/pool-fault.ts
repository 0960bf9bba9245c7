/** Why a pool refused before it gave a token: its status said so, or the first event of its stream. */

export interface PoolFault {
  readonly kind: 'context_length' | 'rejected' | 'saturated' | 'unavailable' | 'misconfigured'
}
