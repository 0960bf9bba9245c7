/** Looks into the objects of a test mesh: which there are, by name, and what their tables hold. */
import type { TestMesh } from './mesh.ts'

/** Of a mesh whose objects are looked into: few, because every name costs a call. */
export const SHARDS_PER_HOME = 16
const HOMES = ['eu-central', 'us-east', 'ap-southeast']
/** In dev, what must stay in a jurisdiction is kept apart by the beginning of its object's name. */
const PREFIXES = ['', 'eu:', 'us:', 'sg:']

const namesById = new WeakMap<TestMesh, ReadonlyMap<string, string>>()

/** Names of the log shards that exist. Throws where one has a name that no home has. */
export async function logShardNames(mesh: TestMesh): Promise<string[]> {
  const known = namesById.get(mesh) ?? (await possibleNames(mesh))
  namesById.set(mesh, known)
  const ids = await mesh.miniflare.listDurableObjectIds('LOG_SHARD', mesh.objectOwner)
  return ids.map((id) => {
    const name = known.get(id)
    if (name === undefined) throw new Error('a log shard has a name that no home has')
    return name
  })
}

async function possibleNames({ miniflare, objectOwner }: TestMesh): Promise<ReadonlyMap<string, string>> {
  const namespace = await miniflare.getDurableObjectNamespace('LOG_SHARD', objectOwner)
  const known = new Map<string, string>()
  for (const prefix of PREFIXES) {
    for (const home of HOMES) {
      for (let shard = 0; shard < SHARDS_PER_HOME; shard += 1) {
        const name = `${prefix}log/${home}/${shard}`
        known.set(namespace.idFromName(name).toString(), name)
      }
    }
  }
  return known
}

/** Everything a log shard has stored, as one text. */
export async function storedText(mesh: TestMesh, name: string): Promise<string> {
  const { miniflare, objectOwner } = mesh
  const storage = await miniflare.unsafeGetDurableObjectStorage(objectOwner, 'LogShard', { name })
  const logs = await storage.exec('SELECT fingerprint, about FROM log')
  const segments = await storage.exec('SELECT CAST(lines AS TEXT) AS lines FROM segment')
  return JSON.stringify([logs, segments])
}

/** Ends all log shards that run, as a restart of their machine would. Gives their number. */
export async function evictLogShards(mesh: TestMesh): Promise<number> {
  const { miniflare, objectOwner } = mesh
  let evicted = 0
  for (const name of await logShardNames(mesh)) {
    try {
      await miniflare.unsafeEvictDurableObject(objectOwner, 'LogShard', { name })
      evicted += 1
    } catch (error) {
      if (!String(error).includes('not currently running')) throw error
    }
  }
  return evicted
}
