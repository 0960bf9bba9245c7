/** The lines that a mesh has logged about its decisions, and what they say of how well it predicts. Pure. */
import type { DescribedRanking } from '../../shared/routing/describe.ts'
import type { Prediction } from './calibration.ts'

/** As log-route.ts writes it. */
export interface RouteLine extends DescribedRanking {
  readonly event: 'route'
  readonly at: string
  readonly request: string
  readonly origin: string
  readonly answered_by?: string
  readonly first_token_ms?: number
  readonly attempts?: number
  readonly error?: string
}

/** `logs`: lines of JSON, of which the others are left out. */
export function routeLines(logs: readonly string[]): readonly RouteLine[] {
  return logs.flatMap((text) => {
    const line: unknown = JSON.parse(text)
    return isRouteLine(line) ? [line] : []
  })
}

/** Of decisions whose first choice has answered, without the first so many of every origin: those had nothing to go by. */
export function predictionsIn(lines: readonly RouteLine[], leaveOut: number): readonly Prediction[] {
  const kept = [...Map.groupBy(lines, ({ origin }) => origin).values()].flatMap((some) =>
    some.slice(leaveOut),
  )
  return kept.flatMap(({ candidates: [first], answered_by: pool, attempts, first_token_ms: measuredMs }) =>
    first === undefined || first.pool !== pool || attempts !== 1 || measuredMs === undefined
      ? []
      : [{ expectedMs: first.estimate_ms, measuredMs }],
  )
}

/** The share of decisions that were answered by the pool with the least expected cost. */
export function shareAtBest(lines: readonly RouteLine[]): number {
  const atBest = lines.filter(({ candidates, answered_by: pool }) => {
    const [best] = candidates.toSorted((a, b) => a.score_ms - b.score_ms)
    return best !== undefined && best.pool === pool
  })
  return atBest.length / lines.length
}

function isRouteLine(line: unknown): line is RouteLine {
  return typeof line === 'object' && line !== null && 'event' in line && line.event === 'route'
}
