/** The kinds of value that mesh.toml is made of, each with the words that say what would be right. */
import { z } from 'zod'

/** Longer than this an answer is stale whatever the operator says; 30 days. */
const MAX_TTL_SECONDS = 30 * 24 * 3600

export const id = text(
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
  'a name of lower-case letters, digits and inner hyphens, at most 63, e.g. "eu-central"',
)
/** What clients call a model; slashes and dots are common in model names. */
export const modelName = text(
  /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/,
  'a name of letters, digits and . _ : / -, at most 128, e.g. "story"',
)
export const jurisdiction = text(/^[a-z][a-z0-9-]{1,31}$/, 'a short lower-case name, e.g. "eu"')
export const colo = text(/^[A-Z]{3}$/, 'a three-letter data centre code, e.g. "FRA"')
export const country = text(/^[A-Z]{2}$/, 'a two-letter country code, e.g. "DE"')
export const cacheMode = oneOf(['deterministic', 'always', 'off'])
export const coalesce = oneOf(['region', 'world'])
export const ttlSeconds = whole(1, MAX_TTL_SECONDS)

/** Text of a certain form. `expected` is what an error line says would be right: it completes "give …". */
export function text(pattern: RegExp, expected: string) {
  return z.string(expected).regex(pattern, expected)
}

/** A whole number within bounds. */
export function whole(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`
  return z.int(expected).min(min, expected).max(max, expected)
}

/** A number within bounds. */
export function number(min: number, max: number) {
  const expected = `a number from ${min} to ${max}`
  return z.number(expected).min(min, expected).max(max, expected)
}

/** true or false. */
export function bool() {
  return z.boolean('true or false')
}

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, `one of ${values.join(', ')}`)
}

/** A list that may be empty. */
export function many<T extends z.ZodType>(element: T, elements: string) {
  return z.array(element, `a list of ${elements}`)
}

/** A list with something in it; an empty one would read as "none" to one reader and as "all" to another. */
export function some<T extends z.ZodType>(element: T, elements: string) {
  const expected =
    elements.startsWith('at least') || elements.includes('[{') ? elements : `a list of ${elements}`
  return z.array(element, expected).min(1, expected)
}
