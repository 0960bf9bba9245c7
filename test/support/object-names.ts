/** Names of all objects of a test mesh that have stored something or run. */
import { createHash, createHmac } from 'node:crypto'
import { createTenantKeyring } from '../../workers/tenant-keys.ts'
import { FINGERPRINT_SECRET, type TestMesh } from './mesh.ts'
import { SHARDS_PER_HOME } from './objects.ts'

/** In dev, what must stay in a jurisdiction is kept apart by the beginning of its object's name. */
const PREFIXES = ['', 'eu:', 'us:', 'sg:']

export interface NamesKnown {
  readonly tenants: readonly string[]
  readonly regions: readonly string[]
  readonly pools: readonly string[]
}

/** An object whose name no part of the mesh gives is `unknown`: what is in its name nobody can say. */
export async function objectNames(mesh: TestMesh, known: NamesKnown): Promise<readonly string[]> {
  const keyring = createTenantKeyring(new TextEncoder().encode(FINGERPRINT_SECRET))
  const tenants = await Promise.all(known.tenants.map((id) => keyring.of(id)))
  const shards = Array.from({ length: SHARDS_PER_HOME }, (_, shard) => shard)
  const logs = known.regions.flatMap((region) => shards.map((shard) => `log/${region}/${shard}`))
  const ledgers = tenants.map(({ objectName }) => `ledger/${objectName}`)
  const anywhere = (names: readonly string[]) =>
    PREFIXES.flatMap((prefix) => names.map((name) => prefix + name))
  const found = await Promise.all([
    namesOf(mesh, ['LOG_SHARD', 'LogShard'], anywhere(logs)),
    namesOf(mesh, ['TENANT_LEDGER', 'TenantLedger'], anywhere(ledgers)),
    namesOf(
      mesh,
      ['REGION_MONITOR', 'RegionMonitor'],
      known.regions.map((region) => `region/${region}`),
    ),
    namesOf(
      mesh,
      ['POOL_MONITOR', 'PoolMonitor'],
      known.pools.map((pool) => `pool/${pool}`),
    ),
  ])
  return found.flat().toSorted()
}

async function namesOf(
  { miniflare, objectOwner }: TestMesh,
  [binding, className]: readonly [string, string],
  possible: readonly string[],
): Promise<string[]> {
  const byId = new Map(possible.map((name) => [idOf(`${objectOwner}-${className}`, name), name]))
  const ids = await miniflare.listDurableObjectIds(binding, objectOwner)
  return ids.map((id) => byId.get(id) ?? 'unknown')
}

/** As workerd makes an id of a name, without a call to it for each of hundreds. If it did so otherwise, no name would be known. */
function idOf(uniqueKey: string, name: string): string {
  const key = createHash('sha256').update(uniqueKey).digest()
  const half = (of: string | Buffer): Buffer => createHmac('sha256', key).update(of).digest().subarray(0, 16)
  const ofName = half(name)
  return Buffer.concat([ofName, half(ofName)]).toString('hex')
}
