/** Two configs compared, in words an operator can read before he says yes. */
import type { MeshConfig } from '../schema/mesh.ts'
import { changedParts } from './parts.ts'
import { modelsOf, waysOf } from './reach.ts'
import { widenedPools, widenedTerms, type PoolChange } from './widening.ts'

export interface ConfigDiff {
  /** What requests may do that they might not before; empty where nothing is wider. */
  readonly widened: readonly string[]
  /** What they may not do any more. */
  readonly narrowed: readonly string[]
  /** Tenants that could use a model, may still, and have no pool left for it. */
  readonly orphaned: readonly string[]
  /** Everything else: what is there, what is gone, what differs. */
  readonly changed: readonly string[]
}

export function diffConfigs(before: MeshConfig, after: MeshConfig): ConfigDiff {
  return {
    widened: [
      ...widenedPools(before, after).map((change) => allowance('newly allowed', change)),
      ...widenedTerms(before, after),
    ],
    narrowed: [
      ...widenedPools(after, before).map((change) => allowance('no longer allowed', change)),
      ...widenedTerms(after, before).map((line) => line.replace(': ', ': no longer ')),
    ],
    orphaned: orphans(before, after),
    changed: changedParts(before, after),
  }
}

function allowance(what: string, { tenant, pool, region, models, isPartial }: PoolChange): string {
  const where = region === pool ? pool : `${pool} (${region})`
  return `${what}: ${tenant} → ${where}, for ${models.join(', ')}${isPartial ? ', in some cases' : ''}`
}

function orphans(before: MeshConfig, after: MeshConfig): string[] {
  const had = new Set(waysOf(before).map(({ tenant, model }) => nameOf(tenant.id, model.id)))
  const has = new Set(waysOf(after).map(({ tenant, model }) => nameOf(tenant.id, model.id)))
  return after.tenants.flatMap((tenant) =>
    modelsOf(tenant, after)
      .filter(({ id }) => had.has(nameOf(tenant.id, id)) && !has.has(nameOf(tenant.id, id)))
      .map(({ id }) => `${tenant.id} has no pool left for ${id}`),
  )
}

function nameOf(tenant: string, model: string): string {
  return JSON.stringify([tenant, model])
}
