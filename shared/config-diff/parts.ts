/** Which parts of a config are there, gone or different, by their names. Of keys it says how many, of values what they are. */
import type { MeshConfig } from '../schema/mesh.ts'

const LISTS = ['regions', 'pools', 'models', 'tenants', 'oidc', 'rules'] as const
const TABLES = ['limits', 'log', 'routing', 'receipts', 'cors'] as const
const ONE = {
  regions: 'region',
  pools: 'pool',
  models: 'model',
  tenants: 'tenant',
  oidc: 'issuer',
  rules: 'rule',
} as const

export function changedParts(before: MeshConfig, after: MeshConfig): readonly string[] {
  return [
    ...LISTS.flatMap((list) => changedMembers(ONE[list], before[list], after[list])),
    ...(isSame(before.distrust, after.distrust) ? [] : ['distrust: changed']),
    ...TABLES.flatMap((table) => changedKeys(table, before[table], after[table])),
  ]
}

interface Named {
  readonly id: string
}

function changedMembers(what: string, before: readonly Named[], after: readonly Named[]): string[] {
  const gone = before.filter(({ id }) => !after.some((one) => one.id === id))
  const isNew = after.filter(({ id }) => !before.some((one) => one.id === id))
  return [
    ...isNew.map(({ id }) => `${what} ${id}: new`),
    ...gone.map(({ id }) => `${what} ${id}: gone`),
    ...after.flatMap((one) => {
      const old = before.find(({ id }) => id === one.id)
      if (old === undefined || isSame(old, one)) return []
      return [`${what} ${one.id}: ${differingKeys(old, one).join(', ')} changed`]
    }),
  ]
}

function changedKeys(table: string, before: object, after: object): string[] {
  return differingKeys(before, after).map((key) => {
    const [old, now] = [before, after].map((one) => JSON.stringify(new Map(Object.entries(one)).get(key)))
    return `${table}.${key}: ${old ?? 'not given'} → ${now ?? 'not given'}`
  })
}

function differingKeys(before: object, after: object): string[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => !isSame(old.get(key), now.get(key)))
}

/** Both come from one schema, which puts keys in one order. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
