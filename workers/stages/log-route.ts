/**
 * Writes one line per decision that sent a request to a pool: everything the pick went by, and what came of it, so that it can
 * be recomputed and judged later. Of a share of the decisions only, since the lines are long. Names from the config, counts
 * and times; nothing of a prompt.
 */
import type { GatewayError } from '../../shared/errors.ts'
import type { Result } from '../../shared/result.ts'
import { describeRanking } from '../../shared/routing/describe.ts'
import type { Ranking } from '../../shared/routing/rank.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import type { Dispatched } from './dispatch.ts'
import type { DispatchDependencies } from './try-candidates.ts'

export interface RouteRecord {
  /** Names the request. */
  readonly name: string
  readonly origin: Region
  readonly ranking: Ranking
  readonly dispatched: Result<Dispatched, GatewayError>
}

/** It can never fail a request. */
export function logRoute(
  { name, origin, ranking, dispatched }: RouteRecord,
  { mesh, runtime }: DispatchDependencies,
): void {
  if (runtime.random() >= mesh.config.routing.log_share) return
  const answered = dispatched.ok ? dispatched.value : undefined
  try {
    runtime.log({
      event: 'route',
      at: new Date(runtime.now()).toISOString(),
      request: name,
      origin: origin.id,
      // All candidates: the pick among equals is drawn from as many as there are.
      ...describeRanking(ranking),
      answered_by: answered?.candidate.placed.pool.id,
      first_token_ms: answered?.firstTokenMs,
      attempts: answered?.attempts,
      error: dispatched.ok ? undefined : dispatched.error.reason,
    })
  } catch {
    // A log that is full or gone is not the client's trouble.
  }
}
