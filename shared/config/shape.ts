/** Turns what the schema found wrong with the shape of a config into sentences of ours. */
import { z } from 'zod'
import { FLOOR_FORMS } from '../schema/config-tenants.ts'
import { meshSchema } from '../schema/mesh.ts'
import { nearest } from './nearest.ts'
import { formatPath, valueAt } from './path.ts'
import { knownNames, quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

type Issue = z.core.$ZodIssue

/** Where people paste the secret itself by mistake: these values are never repeated. */
const UNSHOWN_KEYS: ReadonlySet<PropertyKey> = new Set(['auth', 'sha256', 'url'])

/**
 * Checks the shape alone.
 * @param root the whole config, as it was read
 */
export function checkShape(root: unknown): ReturnType<typeof meshSchema.safeParse> {
  return meshSchema.safeParse(root, { error: defaultExpectation })
}

/** The problems behind the issues of `checkShape`. */
export function shapeProblems(root: unknown, issues: readonly Issue[]): ConfigProblem[] {
  return issues.flatMap((issue) => problemsOf(root, issue, []))
}

function problemsOf(root: unknown, issue: Issue, parent: readonly PropertyKey[]): ConfigProblem[] {
  const path = [...parent, ...issue.path]
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(root, path, key))
  if (issue.code === 'invalid_union') {
    const branch = nearestBranch(issue.errors)
    if (branch !== undefined) return branch.flatMap((inner) => problemsOf(root, inner, path))
  }
  const expected = `give ${issue.message}${guessed(issue, valueAt(root, path))}`
  return [{ path: formatPath(root, path), found: describeFound(root, path), expected }]
}

function guessed(issue: Issue, value: unknown): string {
  if (issue.code !== 'invalid_value' || typeof value !== 'string') return ''
  const guess = nearest(value, issue.values.map(String))
  return guess === undefined ? '' : `. Did you mean ${quote(guess)}?`
}

/**
 * Of the forms a value may have, the one with fewest mistakes among those that are at least of the right type; of
 * equals the one that knows more of the keys.
 */
function nearestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches
    .filter(
      (issues) => !issues.some((issue) => issue.path.length === 0 && issue.code !== 'unrecognized_keys'),
    )
    .map((issues) => ({ issues, strangers: strangersIn(issues) }))
    .toSorted((a, b) => weightOf(a) - weightOf(b) || a.strangers - b.strangers)[0]?.issues
}

function strangersIn(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0)
}

function weightOf({ issues, strangers }: { issues: readonly Issue[]; strangers: number }): number {
  return strangers + issues.filter((issue) => issue.code !== 'unrecognized_keys').length
}

function unknownKey(root: unknown, path: readonly PropertyKey[], key: string): ConfigProblem {
  const place = formatPath(root, [...path, key])
  const keys = keysAt(meshSchema, path)
  // The floor is the one table with two forms: a key of the one is known, but not beside those of the other.
  if (keys.includes(key))
    return { path: place, found: 'it does not fit the rest', expected: `give ${FLOOR_FORMS}` }
  return { path: place, found: `${quote(key)} is not a key here`, expected: knownNames('keys', keys, key) }
}

function describeFound(root: unknown, path: readonly PropertyKey[]): string {
  const value = valueAt(root, path)
  if (value === undefined) return 'missing'
  if (path.some((key) => UNSHOWN_KEYS.has(key))) return 'what stands there does not fit'
  return `${quote(value)} does not fit`
}

/** The keys that the schema knows at a path; of a union those of every form. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => keysAt(option, path))
  const [head, ...rest] = path
  if (inner instanceof z.ZodArray) return keysAt(inner.element, rest)
  if (!(inner instanceof z.ZodObject)) return []
  const shape: Readonly<Record<string, z.core.$ZodType>> = inner.shape
  if (head === undefined) return Object.keys(shape)
  const member = shape[String(head)]
  return member === undefined ? [] : keysAt(member, rest)
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap())
  }
  return schema
}

/** What would be right where the schema itself does not say. */
function defaultExpectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'object' ? 'a table' : `a value of another type (${issue.expected})`
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`
    case 'too_big':
      return `at most ${issue.maximum}`
    case 'too_small':
      return `at least ${issue.minimum}`
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    // invalid_format, invalid_union and custom checks always bring words of the schema's own.
    default:
      return 'a value as docs/configuration.md describes it'
  }
}
