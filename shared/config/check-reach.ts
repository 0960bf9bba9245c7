/** Finds tenants that could never be served: a floor with no pool in it, or with none for one of their models. */
import type { Draft } from './draft.ts'
import { quote } from './problem.ts'
import type { ConfigProblem } from './problem.ts'
import { poolsWithinFloor } from './reach.ts'

export function checkReach(draft: Draft): ConfigProblem[] {
  // With a region or a pool that could not be read, or a reference that leads nowhere, the reach is not known.
  if (!draft.regions.isComplete || !draft.pools.isComplete) return []
  if (draft.pools.entries.some(({ value }) => !draft.regions.ids.includes(value.region))) return []

  return draft.tenants.entries.flatMap(({ value: tenant, path }) => {
    if (Object.keys(tenant.floor).length === 0) return []
    const pools = poolsWithinFloor(tenant, draft)
    if (pools.length === 0) {
      return [
        {
          path: `${path}.floor`,
          found: 'it leaves no pool',
          expected: 'a pool must satisfy every list of the floor at once; widen it, or add such a pool',
        },
      ]
    }
    const served = new Set(pools.flatMap((pool) => pool.models.map(({ model }) => model)))
    const models = tenant.models === '*' ? [] : tenant.models
    return models.flatMap((model, index) =>
      served.has(model) || !draft.models.ids.includes(model)
        ? []
        : [
            {
              path: `${path}.models[${index}]`,
              found: `no pool within the floor serves ${quote(model)}`,
              expected: 'add it to the models of such a pool, or remove it here',
            },
          ],
    )
  })
}
