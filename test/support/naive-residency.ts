/**
 * A second, deliberately naive reading of docs/residency.md, for comparison: one pool and one region at a time, with loops and
 * early exits. It shares nothing with the product but the form of the config.
 */
import type { MeshMode } from '../../shared/config/mode.ts'
import type { MeshConfig, Region, Rule, Selector, Tenant } from '../../shared/schema/mesh.ts'

/** A request, as far as places are concerned. A header that is null is not there; one that is missing, nobody looked for. */
export interface NaiveRequest {
  readonly key?: string
  readonly country?: string
  readonly continent?: string
  readonly colo?: string
  readonly host?: string
  readonly dataClass?: string
  readonly narrow?: readonly string[]
  readonly headers?: Readonly<Record<string, string | null>>
}

export interface NaiveVerdict {
  /** Ids of the pools that may be used, in the config's order. */
  readonly pools: string[]
  readonly storage: 'none' | 'home' | 'anywhere'
  /** Ids of the regions where anything may be stored. */
  readonly homes: string[]
  /** Ids of the pools to be asked first. */
  readonly preferred: string[]
}

/** The union since 2020, with those parts of it that have codes of their own; as the docs list them. */
const EU_COUNTRIES =
  'AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE AX GF GP MF MQ RE YT'
/** What generators use that names no country. */
const NO_COUNTRIES = 'T1 XX ZZ UK EL QQ'
const ENFORCED_BY_CLOUDFLARE = 'eu us fedramp fedramp-high'

/** The first tenant asks for the first model. */
export function naiveVerdict(config: MeshConfig, request: NaiveRequest, mode: MeshMode): NaiveVerdict {
  const tenant = config.tenants[0]
  const model = config.models[0]
  if (tenant === undefined || model === undefined) throw new Error('a mesh has a tenant and a model')
  const matching = config.rules.filter((rule) => isMatching(rule, tenant, model.id, request))

  const inPlace: string[] = []
  const pools: string[] = []
  const preferred: string[] = []
  for (const pool of config.pools) {
    const region = config.regions.find((one) => one.id === pool.region)
    if (region === undefined) continue
    if (!isAllowed(config, tenant, matching, request, { pool: pool.id, sovereign: pool.sovereign, region }))
      continue
    inPlace.push(region.id)
    if (!pool.models.some((served) => served.model === model.id)) continue
    pools.push(pool.id)
    let asked = tenant.sovereign === 'prefer'
    for (const rule of matching) if (rule.sovereign === 'prefer') asked = true
    if (asked && pool.sovereign) preferred.push(pool.id)
  }

  let restricted =
    !('anywhere' in tenant.floor) || tenant.sovereign === 'only' || request.narrow !== undefined
  let storage: NaiveVerdict['storage'] = tenant.storage
  for (const rule of matching) {
    if (rule.only || rule.except || rule.storage || rule.sovereign === 'only') restricted = true
    if (rule.storage === 'none') storage = 'none'
    if (rule.storage === 'home' && storage === 'anywhere') storage = 'home'
  }
  if (restricted && storage === 'anywhere') storage = 'home'

  const homes: string[] = []
  for (const region of config.regions) {
    if (storage === 'none' || pools.length === 0) continue
    // Without restriction a home may be at the edge, where no pool need be.
    if (restricted && !inPlace.includes(region.id)) continue
    if (mode.kind === 'single' && region.jurisdiction !== mode.jurisdiction) continue
    if (mode.kind === 'cloudflare' && restricted) {
      if (!ENFORCED_BY_CLOUDFLARE.split(' ').includes(region.jurisdiction)) continue
    }
    homes.push(region.id)
  }
  return { pools, storage, homes, preferred }
}

interface Place {
  readonly pool: string
  readonly sovereign: boolean
  readonly region: Region
}

function isAllowed(
  config: MeshConfig,
  tenant: Tenant,
  matching: readonly Rule[],
  request: NaiveRequest,
  place: Place,
): boolean {
  if (!('anywhere' in tenant.floor)) {
    if (Object.keys(tenant.floor).length === 0) return false
    if (!isInside(tenant.floor, place)) return false
  }
  if (tenant.sovereign === 'only' && !place.sovereign) return false
  for (const rule of matching) {
    if (rule.only !== undefined) {
      if (Object.keys(rule.only).length === 0) return false
      if (!isInside(rule.only, place)) return false
    }
    if (rule.except !== undefined && isInside(rule.except, place)) return false
    if (rule.sovereign === 'only' && !place.sovereign) return false
  }
  if (request.narrow === undefined) return true
  for (const word of request.narrow) {
    if (config.regions.some((region) => region.jurisdiction === word)) {
      if (place.region.jurisdiction === word) return true
    } else if (config.regions.some((region) => region.id === word)) {
      if (place.region.id === word) return true
    } else if (place.pool === word) return true
  }
  return false
}

function isInside(selector: Selector, { pool, region }: Place): boolean {
  if (selector.jurisdictions && !selector.jurisdictions.includes(region.jurisdiction)) return false
  if (selector.regions && !selector.regions.includes(region.id)) return false
  if (selector.pools && !selector.pools.includes(pool)) return false
  return true
}

function isMatching({ match }: Rule, tenant: Tenant, model: string, request: NaiveRequest): boolean {
  const { country, continent, colo, host, headers } = request
  if (match.tenants && !match.tenants.includes(tenant.id)) return false
  if (match.models && !match.models.includes(model)) return false
  if (match.data_classes && request.dataClass !== undefined) {
    const isTheirs = mayClaim(tenant, request.key, request.dataClass)
    if (isTheirs && !match.data_classes.includes(request.dataClass)) return false
  }
  if (country !== undefined && !NO_COUNTRIES.split(' ').includes(country)) {
    if (match.countries && !match.countries.includes(country)) return false
    const isInUnion = EU_COUNTRIES.split(' ').includes(country)
    if (match.eu_member === true && !isInUnion) return false
    if (match.eu_member === false && isInUnion) return false
  }
  if (match.continents && continent !== undefined) {
    if (!match.continents.some((one) => one === continent)) return false
  }
  if (match.colos && colo !== undefined && !match.colos.includes(colo)) return false
  if (match.hosts && host !== undefined && host !== '') {
    if (!match.hosts.some((one) => hostOf(one) === hostOf(host))) return false
  }
  for (const { name, values } of match.headers ?? []) {
    const text = headers?.[name]
    // Nobody looked: it may say anything.
    if (text === undefined) continue
    if (text === null) return false
    let isSaid = false
    for (const part of text.split(',')) if (values.includes(part.trim())) isSaid = true
    if (!isSaid) return false
  }
  // A rule that says nothing does nothing.
  return true
}

function hostOf(text: string): string {
  let host = text.toLowerCase()
  if (host.includes(':')) host = host.slice(0, host.indexOf(':'))
  return host.endsWith('.') ? host.slice(0, -1) : host
}

function mayClaim(tenant: Tenant, key: string | undefined, dataClass: string): boolean {
  if (!tenant.data_classes.includes(dataClass)) return false
  const known = tenant.keys.filter((one) => one.id === key)
  for (const one of known.length > 0 ? known : tenant.keys) {
    if (one.data_classes !== undefined && !one.data_classes.includes(dataClass)) return false
  }
  return true
}
