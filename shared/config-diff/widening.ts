/**
 * What a new config allows that the old one did not: pools, places of arrival, storage and its time, by tenant. It may name
 * what no request can use; what a request can use, it names.
 */
import { bareHost } from '../residency/host-name.ts'
import { strictestStorage, type Storage } from '../residency/storage.ts'
import { isRestrictedTenant } from '../residency/tenant-limits.ts'
import type { MeshConfig, Tenant } from '../schema/mesh.ts'
import { implies } from './implies.ts'
import { isSameSite, waysOf, type Way } from './reach.ts'
import { storageOf } from './storage-rules.ts'

export interface PoolChange {
  readonly tenant: string
  readonly pool: string
  /** Of the pool, in the config that allows it. */
  readonly region: string
  readonly jurisdiction: string
  /** Models it is for. */
  readonly models: readonly string[]
  /** It was allowed to some requests, and is to more. */
  readonly isPartial: boolean
}

/** Ways that are open to more requests under `after`. Called the other way round, those that are open to fewer. */
export function widenedPools(before: MeshConfig, after: MeshConfig): readonly PoolChange[] {
  const known = waysOf(before)
  const changes = new Map<string, PoolChange>()
  for (const way of waysOf(after)) {
    const old = known.find((one) => isSameWay(one, way))
    if (old !== undefined && isNoWider(old, way)) continue
    const { pool, region } = way.site
    const isPartial = old !== undefined
    const name = JSON.stringify([way.tenant.id, pool.id, isPartial])
    const models = [...(changes.get(name)?.models ?? []), way.model.id]
    changes.set(name, {
      tenant: way.tenant.id,
      pool: pool.id,
      region: region.id,
      jurisdiction: region.jurisdiction,
      models,
      isPartial,
    })
  }
  return [...changes.values()]
}

/** Sentences on what else a tenant's requests may do under `after` and might not under `before`. */
export function widenedTerms(before: MeshConfig, after: MeshConfig): readonly string[] {
  return after.tenants.flatMap((tenant) => {
    const old = before.tenants.find(({ id }) => id === tenant.id)
    // Of a tenant that is new, its pools say it.
    if (old === undefined) return []
    return [
      ...(mayTerminateMore(old, tenant, { before, after })
        ? [`${tenant.id}: may be decrypted in more places`]
        : []),
      ...(isStoredWider(old, tenant, { before, after }) ? [`${tenant.id}: more may be stored`] : []),
      ...((tenant.retention_seconds ?? Infinity) > (old.retention_seconds ?? Infinity)
        ? [`${tenant.id}: may be stored for longer`]
        : []),
    ]
  })
}

function isSameWay(one: Way, other: Way): boolean {
  return (
    one.tenant.id === other.tenant.id && one.model.id === other.model.id && isSameSite(one.site, other.site)
  )
}

/** Every rule that took the pool away is there, or one that takes it away from as many. */
function isNoWider(old: Way, way: Way): boolean {
  const claimants = { before: old.tenant, after: way.tenant }
  return (
    way.words.every((word) => old.words.includes(word)) &&
    old.barredBy.every((before) => way.barredBy.some((after) => implies(before, after, claimants)))
  )
}

interface Configs {
  readonly before: MeshConfig
  readonly after: MeshConfig
}

function mayTerminateMore(
  { terminate: old }: Tenant,
  { terminate: now }: Tenant,
  { before, after }: Configs,
): boolean {
  if (old === undefined) return false
  if (now === undefined) return true
  const isMore = (one: readonly string[] | undefined, other: readonly string[] | undefined): boolean =>
    one !== undefined && (other === undefined || other.some((value) => !one.includes(value)))
  return (
    isMore(old.jurisdictions, now.jurisdictions) ||
    isMore(old.colos, now.colos) ||
    isMore(old.hosts?.map(bareHost), now.hosts?.map(bareHost)) ||
    // Which data centres are in a jurisdiction, the regions say.
    (old.jurisdictions !== undefined &&
      JSON.stringify(coloTable(before)) !== JSON.stringify(coloTable(after)))
  )
}

function coloTable({ regions }: MeshConfig): unknown {
  return regions.map(({ jurisdiction, latitude, longitude, colos }) => [
    jurisdiction,
    latitude,
    longitude,
    colos.toSorted(),
  ])
}

function isStoredWider(old: Tenant, tenant: Tenant, { before, after }: Configs): boolean {
  const claimants = { before: old, after: tenant }
  const laxity = ['none', 'home', 'anywhere']
  const [least, most] = [ownStorage(old), ownStorage(tenant)].map((one) => laxity.indexOf(one))
  if ((most ?? 0) > (least ?? 0)) return true
  // Strictest of all that apply: each one that applied must be there, or one as strict.
  return storageOf(before, old).some(
    (one) =>
      laxity.indexOf(one.storage) < laxity.indexOf(ownStorage(tenant)) &&
      !storageOf(after, tenant).some(
        (other) =>
          laxity.indexOf(other.storage) <= laxity.indexOf(one.storage) &&
          isForAsMany(one.models, other.models) &&
          implies(one.match, other.match, claimants),
      ),
  )
}

/** What must stay in some places is not copied to all. */
function ownStorage(tenant: Tenant): Storage {
  return strictestStorage([tenant.storage, isRestrictedTenant(tenant) ? 'home' : undefined])
}

function isForAsMany(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return other === undefined || (one !== undefined && one.every((model) => other.includes(model)))
}
