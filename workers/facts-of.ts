/** Puts together what is known of an answer when its first token has come. */
import type { AnswerFacts } from '../shared/log/answer-facts.ts'
import { explainRoute } from '../shared/routing/explain.ts'
import type { Ranking } from '../shared/routing/rank.ts'
import type { Dispatched } from './stages/dispatch.ts'

export interface FactsInput {
  readonly dispatched: Pick<Dispatched, 'candidate' | 'attempts' | 'firstTokenMs'>
  readonly ranking: Ranking
  readonly outcome: AnswerFacts['outcome']
  readonly modelVersion: string
  readonly nowMs: number
}

export function factsOf(input: FactsInput): AnswerFacts {
  const { candidate, attempts, firstTokenMs } = input.dispatched
  const { pool, region } = candidate.placed
  return {
    outcome: input.outcome,
    pool: pool.id,
    region: region.id,
    jurisdiction: region.jurisdiction,
    attempts,
    route: explainRoute(input.ranking, pool.id),
    modelVersion: input.modelVersion,
    createdAtMs: input.nowMs,
    firstTokenMs,
  }
}
