/** Parses the JSON that a pool describes itself with. */
import { isObject } from '../../../shared/is-object.ts'
import { MAX_BODY_CHARS } from './prometheus.ts'

/** Undefined if it is not JSON, or larger than any answer about load. Never throws. */
export function parseBody(body: string): unknown {
  if (body.length > MAX_BODY_CHARS) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** A list of objects, or nothing if it is anything else. */
export function objectsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] | undefined {
  return Array.isArray(value) && value.every(isObject) ? value : undefined
}
