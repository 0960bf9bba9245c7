/** Checks models: fields that can never be opened, versions that get no request, models that nothing serves. */
import { DENIED_FIELDS } from '../schema/denied-fields.ts'
import type { Model } from '../schema/mesh.ts'
import type { Draft, Entry } from './draft.ts'
import { listNames, quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'

export function checkModels(draft: Draft): ConfigProblem[] {
  return draft.models.entries.flatMap((model) => [
    ...deniedFields(model),
    ...weights(model),
    ...(draft.pools.isComplete ? unserved(model, draft) : []),
  ])
}

function deniedFields({ value, path }: Entry<Model>): ConfigProblem[] {
  return value.extra_fields.flatMap((field, index) =>
    DENIED_FIELDS.has(field)
      ? [
          {
            path: `${path}.extra_fields[${index}]`,
            found: `${quote(field)} can never be opened to clients`,
            expected: 'remove it; docs/configuration.md says why',
          },
        ]
      : [],
  )
}

function weights({ value, path }: Entry<Model>): ConfigProblem[] {
  if (value.versions.some(({ weight }) => weight > 0)) return []
  return [
    {
      path: `${path}.versions`,
      found: 'every version has weight 0, so none gets a request',
      expected: 'give one a weight above 0',
    },
  ]
}

/** Versions of weight 0 get no requests: they may wait for their pool. */
function unserved({ value, path }: Entry<Model>, { pools }: Draft): ConfigProblem[] {
  const served = pools.entries.flatMap((pool) => pool.value.models).filter(({ model }) => model === value.id)
  if (served.length === 0) {
    return [
      { path, found: 'no pool serves this model', expected: 'add it to the models of a pool, or remove it' },
    ]
  }
  if (served.some(({ version }) => version === undefined)) return []
  const versions = new Set(served.map(({ version }) => version))
  const missing = value.versions
    .filter(({ id, weight }) => weight > 0 && !versions.has(id))
    .map(({ id }) => id)
  if (missing.length === 0) return []
  return [
    {
      path: `${path}.versions`,
      found: `no pool serves ${missing.length === 1 ? 'version' : 'versions'} ${listNames(missing)}`,
      expected: 'add it to the models of a pool, or give it weight 0',
    },
  ]
}
