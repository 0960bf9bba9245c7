/**
 * Turns what zod found wrong with a request into a `GatewayError`. Only names of our own schemas and positions go
 * into it: zod's own sentences name keys of the body and are never used.
 */
import type { z } from 'zod'
import type { GatewayError } from '../errors.ts'
import { isObject } from '../is-object.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** For `safeParse`: the client's "must be" phrase for checks that do not bring their own. */
export function expectedPhrase(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_PHRASES[issue.expected] ?? 'of the documented type'
    case 'invalid_value':
      return oneOf(issue.values)
    case 'too_small':
      return issue.origin === 'array' ? `an array of at least ${issue.minimum}` : 'larger'
    case 'too_big':
      return issue.origin === 'array' ? `an array of at most ${issue.maximum}` : 'smaller'
    default:
      return 'of the documented form'
  }
}

const TYPE_PHRASES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  null: 'null',
}

/** "one of "auto", "none"": the phrase for a closed list of ours. */
export function oneOf(values: readonly unknown[]): string {
  const quoted = values.map((value) => `"${String(value)}"`).join(', ')
  return values.length === 1 ? quoted : `one of ${quoted}`
}

/** The error for the first issue, which is the first mistake in the schema's order. */
export function toGatewayError(issues: readonly Issue[], at: Path = []): GatewayError {
  const issue = issues[0]
  if (issue === undefined) throw new Error('a failed parse has at least one issue')
  const path = [...at, ...issue.path]
  if (issue.code === 'unrecognized_keys') return unsupported(issue, path)
  if (issue.code === 'invalid_union') {
    const deeper = onlyBranchThatFits(issue.errors)
    if (deeper !== undefined) return toGatewayError(deeper, path)
  }
  return isAbsent(issue)
    ? { reason: 'missing_parameter', param: pathText(path) }
    : { reason: 'invalid_parameter', param: pathText(path), expected: issue.message }
}

function unsupported(issue: Extract<Issue, { code: 'unrecognized_keys' }>, path: Path): GatewayError {
  const where = path.length === 0 ? {} : { where: pathText(path) }
  const members = isObject(issue.input) ? Object.keys(issue.input) : []
  const first = members.findIndex((name) => issue.keys.includes(name))
  return { reason: 'unsupported_parameter', ...where, ...(first < 0 ? {} : { position: first + 1 }) }
}

/** Of a union's branches, the one that took the value's type and failed inside it, if it is the only one. */
function onlyBranchThatFits(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = branches.filter((issues) => (issues[0]?.path.length ?? 0) > 0)
  return fitting.length === 1 ? fitting[0] : undefined
}

/** Needs `reportInput`. A missing discriminator is reported with the object that lacks it. */
function isAbsent(issue: Issue): boolean {
  if (issue.input === undefined) return true
  if (issue.code !== 'invalid_union' || issue.discriminator === undefined) return false
  return isObject(issue.input) && issue.input[issue.discriminator] === undefined
}

/** `messages[3].content[0].type` */
function pathText(path: Path): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('')
}
