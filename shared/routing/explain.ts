/** The reason for a route in one short line, for a response header: pool ids, numbers and codes, nothing else. */
import type { Candidate, Ranking, Rejection } from './rank.ts'

const MAX_LENGTH = 200

/**
 * Says why the chosen pool was chosen, e.g. `measured 31ms; us-east 104ms, ap-southeast 171ms`, `measured 95ms, 12000
 * tokens warm; …`, `look, measured 95ms; …` (it may have become better) or `only eligible; us-east=breaker_open`. ASCII, at most 200 characters, cut between items. `chosen` is the pool that
 * answered; when it was not the first of the ranking, the line says that it was a fallback.
 */
export function explainRoute(ranking: Ranking, chosen: string): string {
  const { ranked, rejected } = ranking
  const choice = ranked.find(({ placed }) => placed.pool.id === chosen)
  const others = ranked.filter((candidate) => candidate !== choice)
  const items = [
    ...others.map((other) => `${other.placed.pool.id} ${milliseconds(other)}`),
    ...rejected.map(({ pool, reason }: Rejection) => `${pool}=${reason}`),
  ]
  let line = choice === undefined ? 'none eligible' : headline(choice, ranking)
  for (const [index, item] of items.entries()) {
    const longer = `${line}${index === 0 ? '; ' : ', '}${item}`
    if (longer.length > MAX_LENGTH) break
    line = longer
  }
  return line
}

function headline(choice: Candidate, { ranked, decision }: Ranking): string {
  if (choice.lastResort) return 'last resort'
  if (ranked.length === 1) return 'only eligible'
  const estimate = `${choice.measured ? 'measured' : 'expected'} ${milliseconds(choice)}`
  if (choice !== ranked[0]) return `fallback, ${estimate}`
  switch (decision?.reason) {
    case 'look':
      return `look, ${estimate}`
    case 'warm':
      return `${estimate}, ${Math.round(choice.parts.warmTokens)} tokens warm`
    default:
      return estimate
  }
}

function milliseconds({ estimateMs }: Candidate): string {
  return `${Math.round(estimateMs)}ms`
}
