/**
 * Where a data centre's isolates leave each other what their region's monitor has told: in its Cache API, so that an isolate
 * that has just begun is not a cold one. What comes out of it is a hint; where there is no cache, there is none.
 */
import { isObject } from '../../shared/is-object.ts'
import type { RegionSnapshot } from '../../shared/pool/region-snapshot.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { within } from '../within.ts'

export interface SnapshotCache {
  /** Undefined where there is none or no host to look under, it is too old or not to be understood, or it takes longer. Never rejects. */
  read(region: string, host: string | undefined, withinMs: number): Promise<RegionSnapshot | undefined>
  /** Leaves it to the others, unless somebody has just done so. Never rejects. */
  write(snapshot: RegionSnapshot, host: string | undefined, withinMs: number): Promise<void>
}

/** To be raised with every change to what a snapshot holds: during a deploy, old and new code share a cache. */
const FORMAT = 1
/** What is older is not worth having. */
export const MAX_AGE_MS = 30_000
/** Clocks differ by less; one from the future would keep all that come after it from being taken. */
const MAX_SKEW_MS = 5_000
/** Hundreds of isolates of a data centre may come with a snapshot in the same second; one of them is enough. */
export const WRITE_AFTER_MS = 1_000
const AT_HEADER = 'x-mesh-at-ms'

export function createSnapshotCache(
  mesh: Pick<Mesh, 'configVersion'>,
  runtime: Pick<Runtime, 'now' | 'snapshots'>,
): SnapshotCache {
  /** On one's own host, as Cloudflare advises; a named cache, so that no client's GET can ever be answered from it. */
  async function keyOf(region: string, host: string): Promise<string> {
    const query = `format=${FORMAT}&config=${await mesh.configVersion()}`
    return `https://${host}/regions/${encodeURIComponent(region)}?${query}`
  }

  async function read(region: string, host: string): Promise<RegionSnapshot | undefined> {
    const cache = await runtime.snapshots()
    const held = await cache?.match(await keyOf(region, host))
    if (held === undefined) return undefined
    const snapshot = snapshotIn(JSON.parse(await held.text()))
    if (snapshot?.region !== region) return undefined
    const ageMs = runtime.now() - snapshot.atMs
    return ageMs <= MAX_AGE_MS && ageMs >= -MAX_SKEW_MS ? snapshot : undefined
  }

  async function write(snapshot: RegionSnapshot, host: string): Promise<void> {
    const cache = await runtime.snapshots()
    if (cache === undefined) return
    const key = await keyOf(snapshot.region, host)
    const held = await cache.match(key)
    await held?.body?.cancel()
    if (snapshot.atMs - Number(held?.headers.get(AT_HEADER) ?? Number.NaN) < WRITE_AFTER_MS) return
    const headers = {
      'content-type': 'application/json',
      'cache-control': `max-age=${MAX_AGE_MS / 1000}`,
      [AT_HEADER]: String(snapshot.atMs),
    }
    await cache.put(key, new Response(JSON.stringify({ format: FORMAT, snapshot }), { headers }))
  }

  return {
    async read(region, host, withinMs) {
      if (host === undefined) return undefined
      return within(read(region, host), withinMs).catch(() => undefined)
    },
    async write(snapshot, host, withinMs) {
      if (host === undefined) return
      await within(write(snapshot, host), withinMs).catch(() => undefined)
    },
  }
}

/** What is ours has the right format; more is not looked at, so that reading costs a request nothing. */
function snapshotIn(value: unknown): RegionSnapshot | undefined {
  if (!isObject(value) || value['format'] !== FORMAT || !isObject(value['snapshot'])) return undefined
  const { region, atMs, pools, tokenRatios } = value['snapshot']
  if (typeof region !== 'string' || typeof atMs !== 'number' || !Number.isFinite(atMs)) return undefined
  if (!isObject(pools) || !Object.values(pools).every(isObject) || !isObject(tokenRatios)) return undefined
  // Its parts were checked above as far as it is worth it.
  return value['snapshot'] as unknown as RegionSnapshot
}
