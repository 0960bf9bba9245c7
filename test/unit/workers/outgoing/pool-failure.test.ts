/** What the first event of a stream says is judged like a status: by whose fault it is. */
import { expect, test } from 'vitest'
import type { PoolFault } from '../../../../shared/pool/pool-fault.ts'
import { failureOfEvent, type PoolFailure } from '../../../../workers/outgoing/pool-failure.ts'

test.each<[PoolFault['kind'], PoolFailure]>([
  // Full is the pool itself, for every key.
  ['saturated', { kind: 'saturated', status: 503 }],
  // It had begun to work on the request, which may be why.
  ['unavailable', { kind: 'fault', fault: 'server_error', died: true }],
  ['context_length', { kind: 'final', error: { reason: 'context_length_exceeded' } }],
  ['rejected', { kind: 'final', error: { reason: 'pool_rejected_request' } }],
  ['misconfigured', { kind: 'final', error: { reason: 'pool_misconfigured' } }],
])('a pool that says in its stream that it is %s', (kind, failure) => {
  expect(failureOfEvent({ kind })).toEqual(failure)
})
