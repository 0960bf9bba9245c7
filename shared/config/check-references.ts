/** Finds names that refer to nothing. */
import type { Selector } from '../schema/mesh.ts'
import type { Draft } from './draft.ts'
import { knownNames, quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

/** What a name may refer to: `one` is a phrase such as "a region", `many` its plural without an article. */
interface Names {
  readonly one: string
  readonly many: string
  readonly known: readonly string[]
  /** False while some could not be read: then nothing can be called dangling. */
  readonly isComplete: boolean
}

interface Known {
  readonly jurisdictions: Names
  readonly regions: Names
  readonly pools: Names
  readonly models: Names
  readonly tenants: Names
  readonly dataClasses: Names
}

export function checkReferences(draft: Draft): ConfigProblem[] {
  const known = knownIn(draft)
  return [
    ...draft.pools.entries.flatMap(({ value, path }) => [
      ...dangling([value.region], known.regions, () => `${path}.region`),
      ...value.models.flatMap((served, index) =>
        servedModel(served, `${path}.models[${index}]`, draft, known),
      ),
    ]),
    ...draft.tenants.entries.flatMap(({ value, path }) => [
      ...('anywhere' in value.floor ? [] : selector(value.floor, `${path}.floor`, known)),
      ...list(value.terminate?.jurisdictions, known.jurisdictions, `${path}.terminate.jurisdictions`),
      ...(value.models === '*' ? [] : list(value.models, known.models, `${path}.models`)),
    ]),
    ...draft.rules.entries.flatMap(({ value, path }) => [
      ...list(value.match.tenants, known.tenants, `${path}.match.tenants`),
      ...list(value.match.models, known.models, `${path}.match.models`),
      // A misspelt class would lift the rule from every request that claims the right one.
      ...list(value.match.data_classes, known.dataClasses, `${path}.match.data_classes`),
      ...selector(value.only, `${path}.only`, known),
      ...selector(value.except, `${path}.except`, known),
    ]),
  ]
}

function knownIn({ regions, pools, models, tenants }: Draft): Known {
  const jurisdictions = regions.entries.map(({ value }) => value.jurisdiction)
  const dataClasses = tenants.entries.flatMap(({ value }) => value.data_classes)
  return {
    jurisdictions: {
      one: 'the jurisdiction of a region',
      many: 'jurisdictions',
      known: [...new Set(jurisdictions)],
      isComplete: regions.isComplete,
    },
    regions: { one: 'a region', many: 'regions', known: regions.ids, isComplete: regions.hasEveryId },
    pools: { one: 'a pool', many: 'pools', known: pools.ids, isComplete: pools.hasEveryId },
    models: { one: 'a model', many: 'models', known: models.ids, isComplete: models.hasEveryId },
    tenants: { one: 'a tenant', many: 'tenants', known: tenants.ids, isComplete: tenants.hasEveryId },
    dataClasses: {
      one: 'a data class that a tenant may claim',
      many: 'data classes',
      known: [...new Set(dataClasses)],
      isComplete: tenants.isComplete,
    },
  }
}

function servedModel(
  served: { readonly model: string; readonly version?: string | undefined },
  path: string,
  { models }: Draft,
  known: Known,
): ConfigProblem[] {
  const missing = dangling([served.model], known.models, () => `${path}.model`)
  const model = models.entries.find(({ value }) => value.id === served.model)?.value
  if (missing.length > 0 || model === undefined || served.version === undefined) return missing
  const versions = {
    one: `a version of ${quote(model.id)}`,
    many: 'versions',
    known: model.versions.map(({ id }) => id),
    isComplete: true,
  }
  return dangling([served.version], versions, () => `${path}.version`)
}

function selector(lists: Selector | undefined, path: string, known: Known): ConfigProblem[] {
  return [
    ...list(lists?.jurisdictions, known.jurisdictions, `${path}.jurisdictions`),
    ...list(lists?.regions, known.regions, `${path}.regions`),
    ...list(lists?.pools, known.pools, `${path}.pools`),
  ]
}

function list(values: readonly string[] | undefined, names: Names, path: string): ConfigProblem[] {
  return dangling(values ?? [], names, (index) => `${path}[${index}]`)
}

function dangling(
  values: readonly string[],
  names: Names,
  pathOf: (index: number) => string,
): ConfigProblem[] {
  if (!names.isComplete) return []
  return values.flatMap((value, index) =>
    names.known.includes(value)
      ? []
      : [
          {
            path: pathOf(index),
            found: `${quote(value)} is not ${names.one}`,
            expected: knownNames(names.many, names.known, value),
          },
        ],
  )
}
