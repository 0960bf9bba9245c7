/** The reason for a route in one short line, for a response header: pool ids, numbers and codes, nothing else. */
import type { Candidate, Ranking, Rejection } from './rank.ts'

const MAX_LENGTH = 200

/**
 * Says why the chosen pool was chosen, e.g. `measured 31ms; us-east 104ms, ap-southeast 171ms` or
 * `only eligible; us-east=breaker_open`. ASCII, at most 200 characters, cut between items. `chosen` is the pool that
 * answered; when it was not the first of the ranking, the line says that it was a fallback.
 */
export function explainRoute({ ranked, rejected }: Ranking, chosen: string): string {
  const choice = ranked.find(({ placed }) => placed.pool.id === chosen)
  const others = ranked.filter((candidate) => candidate !== choice)
  const items = [
    ...others.map((other) => `${other.placed.pool.id} ${milliseconds(other)}`),
    ...rejected.map(({ pool, reason }: Rejection) => `${pool}=${reason}`),
  ]
  let line = choice === undefined ? 'none eligible' : headline(choice, ranked)
  for (const [index, item] of items.entries()) {
    const longer = `${line}${index === 0 ? '; ' : ', '}${item}`
    if (longer.length > MAX_LENGTH) break
    line = longer
  }
  return line
}

function headline(choice: Candidate, ranked: readonly Candidate[]): string {
  if (choice.lastResort) return 'last resort'
  if (ranked.length === 1) return 'only eligible'
  const reason = `${choice.measured ? 'measured' : 'expected'} ${milliseconds(choice)}`
  return choice === ranked[0] ? reason : `fallback, ${reason}`
}

function milliseconds({ estimateMs }: Candidate): string {
  return `${Math.round(estimateMs)}ms`
}
