/**
 * Makes a reading of what the engines of a pool say: counts are added up, the fullest memory counts. What a pool
 * sends is not trusted: a field with a number in it that cannot be is left out, for half a sum would look like an idle pool.
 */
import type { LoadReading } from '../../../shared/pool/load-report.ts'

/** What each engine (or data-parallel rank) says of each field. */
export type PerEngine = Readonly<Partial<Record<keyof LoadReading, readonly unknown[]>>>

export const FIELDS = [
  'running',
  'waiting',
  'waitingTokens',
  'runningTokens',
  'kvUse',
  'maxRunning',
] as const satisfies readonly (keyof LoadReading)[]

/** More requests or tokens than any pool has. */
const MAX_COUNT = 1e9

/** Undefined if no field is sound: then it was not a report of load. Never throws. */
export function readingOf(found: PerEngine): LoadReading | undefined {
  const sound = FIELDS.flatMap((field) => {
    const value = soundValue(field, found[field] ?? [])
    return value === undefined ? [] : [[field, value] as const]
  })
  return sound.length === 0 ? undefined : Object.fromEntries(sound)
}

function soundValue(field: keyof LoadReading, values: readonly unknown[]): number | undefined {
  if (field === 'kvUse') return largestShare(values)
  const sum = total(values)
  // A server that can compute nothing at once would not be there: it is a limit that was not set.
  return field === 'maxRunning' && sum === 0 ? undefined : sum
}

function total(values: readonly unknown[]): number | undefined {
  if (values.length === 0 || !values.every(isCount)) return undefined
  const sum = values.reduce((before, value) => before + value, 0)
  return isCount(sum) ? sum : undefined
}

/** Unlike a sum, the largest of those that are known still says something. */
function largestShare(values: readonly unknown[]): number | undefined {
  const known = values.filter((value) => typeof value === 'number').filter(Number.isFinite)
  return known.length === 0
    ? undefined
    : Math.min(
        1,
        known.reduce((most, value) => Math.max(most, value), 0),
      )
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_COUNT
}
