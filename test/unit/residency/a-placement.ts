/** What becomes of a request to a small mesh, in the words that tests compare. */
import type { Arrival } from '../../../shared/residency/arrival.ts'
import { place, type Placement } from '../../../shared/residency/place.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { aMesh, firstModel, firstTenant, must } from './a-mesh.ts'

export interface Asked {
  readonly arrival?: Omit<Arrival, 'host'>
  readonly narrow?: readonly string[]
  readonly dataClass?: string
}

function ask(config: MeshConfig, { arrival = {}, ...rest }: Asked = {}) {
  return place({
    config,
    tenant: firstTenant(config),
    model: firstModel(config),
    arrival: { host: 'mesh.example', ...arrival },
    ...rest,
  })
}

/** Ids of the allowed pools, or the reason of the refusal. */
export function poolsOf(config: MeshConfig, asked?: Asked): string {
  const result = ask(config, asked)
  return result.ok ? result.value.pools.map(({ pool }) => pool.id).join(' ') : result.error.reason
}

export function placementOf(config: MeshConfig, asked?: Asked): Placement {
  const result = ask(config, asked)
  return must(result.ok ? result.value : undefined)
}

export const withFloor = (floor: object): MeshConfig => aMesh({ tenants: [{ id: 't', floor }] })
export const withRule = (rule: object): MeshConfig => aMesh({ rules: [{ id: 'r', ...rule }] })

export const REFUSED = 'residency_violation'
