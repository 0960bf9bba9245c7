/** An operator's own cases: requests, and where each may go. Reads them, and says which do not come out as expected. */
import { TomlError, parse as parseToml } from 'smol-toml'
import { z } from 'zod'
import type { MeshMode } from './mode.ts'
import { formatPath } from './path.ts'
import { describeProblem, knownNames, quote } from './problem.ts'
import { explainPlacement, type PlacementExplanation } from '../residency/explain.ts'
import { err, ok, type Result } from '../result.ts'
import { id, oneOf, some, text } from '../schema/config-values.ts'
import type { MeshConfig } from '../schema/mesh.ts'
import { residencyQuestionSchema } from '../schema/residency-question.ts'

const expectation = z
  .strictObject(
    {
      pools: some(id, 'pool ids').optional(),
      refused: oneOf(['termination_not_allowed', 'model_not_found', 'residency_violation']).optional(),
      /** Region id, or "none" where nothing may be stored. */
      home: id.optional(),
      storage: oneOf(['none', 'home', 'anywhere']).optional(),
      restricted: z.boolean('true or false').optional(),
    },
    'a table with pools, refused, home, storage or restricted',
  )
  .refine(
    (expected) => Object.keys(expected).length > 0,
    'at least one of pools, refused, home, storage and restricted',
  )
  .refine(
    (expected) => expected.refused === undefined || Object.keys(expected).length === 1,
    'refused alone: what is refused has no pools and no storage',
  )

const caseSchema = residencyQuestionSchema.extend({
  name: text(/^[^\p{Cc}]{1,200}$/u, 'one line that says what the case shows'),
  expect: expectation,
})
const casesSchema = z.strictObject({ cases: some(caseSchema, 'at least one case, [[cases]]') })

export type ResidencyCase = z.output<typeof caseSchema>

/** Reads the text of mesh.test.toml; the errors are lines for a person. */
export function parseCases(toml: string): Result<readonly ResidencyCase[], readonly string[]> {
  let root: unknown
  try {
    root = parseToml(toml)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    return err([`line ${error.line}, column ${error.column}: the text cannot be read as TOML`])
  }
  const parsed = casesSchema.safeParse(root)
  return parsed.success ? ok(parsed.data.cases) : err(parsed.error.issues.map((issue) => lineOf(root, issue)))
}

/** What does not come out as the case expects, each in a few words; empty where all does. */
export function failuresOf(
  { name: _name, expect: expected, ...question }: ResidencyCase,
  mesh: { readonly config: MeshConfig; readonly mode: MeshMode },
): readonly string[] {
  const explained = explainPlacement(question, mesh)
  if (!explained.ok) return [`there is no such ${explained.error} in the config`]
  const actual = explained.value
  if (actual.refused !== null) {
    if (expected.refused === actual.refused) return []
    return [`it is refused with ${actual.refused}${whyOf(actual)}`]
  }
  const { pools, refused, home, storage, restricted } = expected
  if (refused !== undefined) return [`it is not refused, but may go to ${names(allowedIn(actual))}`]
  return [
    ...different('pools', pools && names(pools), names(allowedIn(actual))),
    ...different('home', home, actual.home?.region ?? 'none'),
    ...different('storage', storage, actual.storage),
    ...different('restricted', restricted, actual.restricted),
  ]
}

function different<T>(what: string, expected: T | undefined, actual: T): string[] {
  if (expected === undefined || expected === actual) return []
  return [`${what}: expected ${String(expected)}, got ${String(actual)}`]
}

function allowedIn({ pools }: PlacementExplanation): string[] {
  return pools.filter(({ allowed }) => allowed).map(({ id: pool }) => pool)
}

/** In one order, each once, so that a list says what a set is. */
function names(ids: readonly string[]): string {
  return [...new Set(ids)].toSorted().join(' ')
}

function whyOf({ refused, rules }: PlacementExplanation): string {
  const matched = rules.filter((rule) => rule.matched).map((rule) => rule.id)
  return refused === 'residency_violation' && matched.length > 0 ? ` (rules: ${matched.join(' ')})` : ''
}

function lineOf(root: unknown, issue: z.core.$ZodIssue): string {
  const path = issue.path.length === 0 ? 'mesh.test.toml' : formatPath(root, issue.path)
  if (issue.code !== 'unrecognized_keys') {
    return describeProblem({ path, found: 'missing, or it does not fit', expected: `give ${issue.message}` })
  }
  const [key = ''] = issue.keys
  const isExpectation = issue.path.at(-1) === 'expect'
  const known = Object.keys(isExpectation ? expectation.shape : caseSchema.shape)
  const keys = issue.path.length === 0 ? ['cases'] : known
  return describeProblem({
    path,
    found: `${quote(key)} is not a key here`,
    expected: knownNames('keys', keys, key),
  })
}
