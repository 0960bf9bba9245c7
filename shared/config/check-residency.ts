/** Finds residency settings that could not mean what they seem to: conditions that never hold, premises without pools. */
import { COUNTRIES, isEuMember } from '../residency/countries.ts'
import { headerNamesOf } from '../residency/header-facts.ts'
import type { Rule, Tenant } from '../schema/mesh.ts'
import type { Draft, Entry } from './draft.ts'
import { knownNames, listNames, quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

/** What a run's id has room for, each with a value of full length. */
const MAX_HEADERS = 4

/** Credentials: rules would be a way to guess them, and what rules ask about travels with the request. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  'api-key',
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
])

export function checkResidency(draft: Draft): ConfigProblem[] {
  return [
    ...draft.tenants.entries.flatMap((tenant) => [...premises(tenant, draft), ...claims(tenant)]),
    ...draft.rules.entries.flatMap((rule) => [
      ...premises(rule, draft),
      ...countries(rule),
      ...membership(rule),
      ...secrets(rule),
    ]),
    ...tooManyHeaders(draft),
  ]
}

function premises({ value, path }: Entry<Tenant | Rule>, { pools }: Draft): ConfigProblem[] {
  if (value.sovereign === undefined || !pools.isComplete) return []
  if (pools.entries.some(({ value: pool }) => pool.sovereign)) return []
  return [
    {
      path: `${path}.sovereign`,
      found: 'no pool stands on your own premises',
      expected: 'mark those that do with sovereign = true, or remove it',
    },
  ]
}

/** A key that may claim what its tenant may not would look like a permission and be none. */
function claims({ value: tenant, path }: Entry<Tenant>): ConfigProblem[] {
  return tenant.keys.flatMap((key, number) =>
    (key.data_classes ?? []).flatMap((name, index) =>
      tenant.data_classes.includes(name)
        ? []
        : [
            {
              path: `${path}.keys[${number}].data_classes[${index}]`,
              found: `${quote(name)} is not a data class of the tenant`,
              expected: knownNames('data classes', tenant.data_classes, name),
            },
          ],
    ),
  )
}

/** The United Kingdom is GB and Greece GR: a rule for "UK" would match nobody and look as if it did. */
function countries({ value: { match }, path }: Entry<Rule>): ConfigProblem[] {
  return (match.countries ?? []).flatMap((code, index) =>
    COUNTRIES.has(code)
      ? []
      : [
          {
            path: `${path}.match.countries[${index}]`,
            found: `${quote(code)} is not the code of a country`,
            expected: 'give one of ISO 3166-1, e.g. "GB" or "GR"',
          },
        ],
  )
}

function membership({ value: { match }, path }: Entry<Rule>): ConfigProblem[] {
  const { countries: listed, eu_member: isEu } = match
  if (listed === undefined || isEu === undefined) return []
  if (listed.some((code) => isEuMember(code) === isEu)) return []
  return [
    {
      path: `${path}.match.eu_member`,
      found: `${isEu ? 'none' : 'each'} of the countries listed is in the European Union`,
      expected: 'give one of the two conditions',
    },
  ]
}

function secrets({ value: { match }, path }: Entry<Rule>): ConfigProblem[] {
  return (match.headers ?? []).flatMap(({ name }, index) =>
    SECRET_HEADERS.has(name)
      ? [
          {
            path: `${path}.match.headers[${index}].name`,
            found: `${quote(name)} carries a secret`,
            expected: 'give a header of your own, e.g. "x-department"',
          },
        ]
      : [],
  )
}

function tooManyHeaders({ rules }: Draft): ConfigProblem[] {
  const names = [...headerNamesOf(rules.entries.map(({ value }) => value))]
  if (names.length <= MAX_HEADERS) return []
  return [
    {
      path: 'rules',
      found: `they ask about ${names.length} headers: ${listNames(names)}`,
      expected: `name at most ${MAX_HEADERS} between them`,
    },
  ]
}
