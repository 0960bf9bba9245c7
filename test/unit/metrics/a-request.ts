/** Requests to count. */
import type { CountedRequest } from '../../../shared/metrics/count-request.ts'

/** A chat that one pool has answered: 40 ms of it were the mesh's, and ten tokens after the first took 500 ms. */
export function aCounted(changes: Partial<CountedRequest> = {}): CountedRequest {
  return {
    surface: 'chat',
    tenant: 'demo',
    model: 'story',
    outcome: 'completed',
    cache: 'miss',
    pool: 'near',
    pools: ['near'],
    attempts: 1,
    usage: { promptTokens: 100, completionTokens: 11, cachedTokens: 64 },
    poolFirstTokenMs: 160,
    firstTokenMs: 200,
    totalMs: 700,
    ...changes,
  }
}
