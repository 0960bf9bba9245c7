/** The ranges that JSON schema's keywords leave for lengths and numbers, narrowed to values of a usual size. */
import type { Shape } from './shape.ts'

export type Json = Readonly<Record<string, unknown>>

/** What a range without an end is cut to. */
const USUAL_SPAN = 100
const USUAL_ITEMS = 3

/** Undefined where no string is long and short enough. */
export function textShape(schema: Json): Shape | undefined {
  const minLength = limit(schema['minLength'], 0)
  const maxLength = limit(schema['maxLength'], Infinity)
  const format = schema['format']
  if (minLength > maxLength) return undefined
  return { kind: 'text', minLength, maxLength, ...(typeof format === 'string' ? { format } : {}) }
}

/** Undefined where no array is long and short enough. Without a shape for them there are no items. */
export function arrayShape(schema: Json, items: Shape | undefined): Shape | undefined {
  const minItems = limit(schema['minItems'], 0)
  const maxItems = Math.min(limit(schema['maxItems'], Infinity), Math.max(minItems, USUAL_ITEMS))
  if (minItems > maxItems) return undefined
  if (items === undefined) return minItems === 0 ? { kind: 'literal', value: [] } : undefined
  // An empty array shows little: where there may be an item, there is one.
  return { kind: 'array', items, minItems: Math.max(minItems, Math.min(1, maxItems)), maxItems }
}

/** Undefined where no number is between the bounds. */
export function numberShape(type: 'integer' | 'number', schema: Json): Shape | undefined {
  const minimum = limit(schema['minimum'], -Infinity)
  const maximum = limit(schema['maximum'], Infinity)
  const above = limit(schema['exclusiveMinimum'], -Infinity)
  const below = limit(schema['exclusiveMaximum'], Infinity)
  if (type === 'integer') {
    const [least, most] = usual(
      Math.max(Math.ceil(minimum), Math.floor(above) + 1),
      Math.min(Math.floor(maximum), Math.ceil(below) - 1),
    )
    return least <= most ? { kind: 'integer', least, most } : undefined
  }
  const [from, to] = usual(Math.max(minimum, above), Math.min(maximum, below))
  if (from < to) return { kind: 'number', above: from, below: to }
  return from === to && from > above && from < below ? { kind: 'literal', value: from } : undefined
}

/** The part of a range that is next to zero. */
function usual(least: number, most: number): [number, number] {
  if (most <= 0) return [Math.max(least, most - USUAL_SPAN), most]
  const from = Math.max(least, 0)
  return [from, Math.min(most, from + USUAL_SPAN)]
}

function limit(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
