/** Parses a client's JSON text into a value whose shape has been checked first. */
import { err, ok } from '../result.ts'
import { checkJsonShape } from './json-shape.ts'
import type { GatewayError } from '../errors.ts'
import type { Result } from '../result.ts'
import type { ShapeLimits } from './json-shape.ts'

/** The end of V8's messages that state a position; the others end with "is not valid JSON" after a quoted part. */
const POSITION_AT_END = / in JSON at position (\d{1,9})(?: \(line \d+ column \d+\))?$/

/**
 * Fails like `checkJsonShape`, or with `invalid_json`. The exception's message quotes the body, so that only the
 * digits of a position are ever taken from it.
 */
export function parseJson(text: string, limits: ShapeLimits): Result<unknown, GatewayError> {
  const shape = checkJsonShape(text, limits)
  if (!shape.ok) return shape
  try {
    const value: unknown = JSON.parse(text)
    return ok(value)
  } catch (error) {
    const position = positionOf(error)
    return err({ reason: 'invalid_json', ...(position === undefined ? {} : { position }) })
  }
}

/** 1-based, as a person counts. */
function positionOf(error: unknown): number | undefined {
  const digits = error instanceof Error ? POSITION_AT_END.exec(error.message)?.[1] : undefined
  return digits === undefined ? undefined : Number(digits) + 1
}
