/** Small meshes for tests of the deciding parts: valid by the schema, with its defaults. */
import type { MeshConfig, Model, Tenant } from '../../../shared/schema/mesh.ts'
import { meshSchema } from '../../../shared/schema/mesh.ts'

export const REGIONS = [
  {
    id: 'eu-central',
    jurisdiction: 'eu',
    latitude: 50.1,
    longitude: 8.7,
    location_hint: 'weur',
    colos: ['FRA', 'AMS'],
  },
  {
    id: 'us-east',
    jurisdiction: 'us',
    latitude: 39,
    longitude: -77.5,
    location_hint: 'enam',
    colos: ['IAD'],
  },
  {
    id: 'ap-southeast',
    jurisdiction: 'sg',
    latitude: 1.35,
    longitude: 103.8,
    location_hint: 'apac-se',
    colos: ['SIN'],
  },
]

export const POOLS = [
  {
    id: 'eu-1',
    region: 'eu-central',
    dialect: 'vllm',
    url: 'https://eu.example/v1',
    models: [{ model: 'm' }],
  },
  { id: 'us-1', region: 'us-east', dialect: 'vllm', url: 'https://us.example/v1', models: [{ model: 'm' }] },
  {
    id: 'ap-1',
    region: 'ap-southeast',
    dialect: 'vllm',
    url: 'https://ap.example/v1',
    models: [{ model: 'm' }],
  },
]

/** One mesh with three regions, a pool in each, one model and one tenant that may go anywhere. */
export function aMesh(changes: object = {}): MeshConfig {
  return meshSchema.parse({
    version: 1,
    regions: REGIONS,
    pools: POOLS,
    models: [{ id: 'm', context_length: 8192 }],
    tenants: [{ id: 't', floor: { anywhere: true } }],
    ...changes,
  })
}

export function firstTenant(config: MeshConfig): Tenant {
  return must(config.tenants[0])
}

export function firstModel(config: MeshConfig): Model {
  return must(config.models[0])
}

export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test expected a value here')
  return value
}
