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

type Row = Record<string, SqlStorageValue>

/** Runs SQL in every log shard that exists, and gives all rows. */
export async function inLogShards<T extends Row>(
  mesh: TestMesh,
  sql: string,
  ...values: string[]
): Promise<T[]> {
  const rows: T[] = []
  for (const name of await logShardNames(mesh))
    rows.push(...(await inLogShard<T>(mesh, name, sql, ...values)))
  return rows
}

async function inLogShard<T extends Row>(
  { miniflare, objectOwner }: TestMesh,
  name: string,
  sql: string,
  ...values: string[]
): Promise<T[]> {
  const storage = await miniflare.unsafeGetDurableObjectStorage(objectOwner, 'LogShard', { name })
  return storage.exec<T>(sql, ...values)
}

/** Everything a log shard has stored, in whatever table, as one text: bytes are read as characters, one each. */
export async function storedText(mesh: TestMesh, name: string): Promise<string> {
  const tables = await inLogShard<{ name: string }>(
    mesh,
    name,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
  )
  const texts: string[] = []
  for (const table of tables) {
    for (const row of await inLogShard(mesh, name, `SELECT * FROM "${table.name}"`)) {
      texts.push(Object.values(row).map(textOfValue).join(' '))
    }
  }
  return texts.join('\n')
}

function textOfValue(value: Row[string] | undefined): string {
  return value instanceof ArrayBuffer ? Buffer.from(value).toString('latin1') : String(value)
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

/** Takes everything from all log shards: from their databases, and from the memory of those that run. */
export async function emptyLogShards(mesh: TestMesh): Promise<void> {
  for (const table of ['take_segment', 'take']) await inLogShards(mesh, `DELETE FROM ${table}`)
  await evictLogShards(mesh)
}

/** The names under which answers are in KV. */
export async function kvNames({ miniflare, objectOwner }: TestMesh): Promise<string[]> {
  const kv = await miniflare.getKVNamespace('ANSWERS', objectOwner)
  return (await kv.list()).keys.map(({ name }) => name)
}
