/**
 * Building blocks of the request schemas. Every check says what would be right in the words that the client reads after
 * "must be".
 */
import { z } from 'zod'
import { isObject } from '../is-object.ts'
import { expectedPhrase } from './request-issue.ts'

/** An object with these members and no others; a member that is null counts as absent, as SDKs send nulls. */
export function object<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape).transform(withoutNulls)
}

/** A copy without the members that are null or undefined. */
export function withoutNulls(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  )
}

export function numberFrom(range: { min: number; max: number }) {
  const error = `a number from ${range.min} to ${range.max}`
  return z.number({ error: error }).min(range.min, { error }).max(range.max, { error })
}

export function integerFrom(range: { min: number; max: number }) {
  const error = `an integer from ${range.min} to ${range.max}`
  return z.int({ error: error }).min(range.min, { error }).max(range.max, { error })
}

export function textOf(length: { min: number; max: number }) {
  const error = `a string of ${length.min} to ${length.max} characters`
  return z.string({ error: error }).min(length.min, { error }).max(length.max, { error })
}

/**
 * An array that is read up to its first mistake. `z.array` would describe every one: a body of 1 MiB can hold half a
 * million, which took a second.
 */
export function listOf<Item extends z.ZodType>(
  item: Item,
  list: { min: number; max: number; expected: string },
) {
  return z.unknown().transform((value, context): z.output<Item>[] => {
    if (!Array.isArray(value) || value.length < list.min || value.length > list.max) {
      context.addIssue({ code: 'custom', message: list.expected, input: value })
      return z.NEVER
    }
    const items: z.output<Item>[] = []
    for (const [index, element] of value.entries()) {
      const parsed = item.safeParse(element, { error: expectedPhrase, reportInput: true })
      if (!parsed.success) {
        for (const issue of parsed.error.issues) {
          const inList = { ...issue, input: issue.input, path: [index, ...issue.path] }
          // A finished issue is a raw one that has its message; zod's types do not say so.
          context.issues.push(inList as z.core.$ZodRawIssue)
        }
        return z.NEVER
      }
      items.push(parsed.data)
    }
    return items
  })
}

/** A JSON object whose members are the client's own, such as a JSON schema. */
export function freeObject(maxCharacters: number) {
  return z.custom<Record<string, unknown>>(
    (value) => isObject(value) && JSON.stringify(value).length <= maxCharacters,
    { error: `a JSON object of at most ${maxCharacters} characters` },
  )
}
