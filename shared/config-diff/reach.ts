/**
 * What each tenant may reach under a config, in a form that two configs can be compared in: for a tenant, a model and a pool,
 * the conditions under which a rule takes the pool away. Requests are not enumerated, so that none can be forgotten.
 */
import { isWithinLimits } from '../residency/tenant-limits.ts'
import { ofRule, servesAny, sitesOf } from '../residency/judge.ts'
import type { PoolSite } from '../residency/selector.ts'
import type { MeshConfig, Model, Rule, Tenant } from '../schema/mesh.ts'

/** A pool that some request of a tenant for a model may go to. */
export interface Way {
  readonly tenant: Tenant
  readonly model: Model
  readonly site: PoolSite
  /** Of rules that take the pool away from requests which satisfy them. */
  readonly barredBy: readonly Rule['match'][]
  /** What a client can call the pool by to have it alone; a word that means something else is not among them. */
  readonly words: readonly string[]
}

/** All ways there are, whatever a request says of itself: what is always barred is not among them. */
export function waysOf(config: MeshConfig): readonly Way[] {
  const sites = sitesOf(config)
  return config.tenants.flatMap((tenant) =>
    modelsOf(tenant, config).flatMap((model) =>
      sites
        .filter((site) => isWithinLimits(tenant, site) && servesAny(site.pool, model))
        .map((site) => ({
          tenant,
          model,
          site,
          barredBy: barring(config, { tenant, model, site }),
          words: wordsFor(site, config),
        }))
        .filter(({ barredBy }) => !barredBy.some(isAlways)),
    ),
  )
}

/** Models that the tenant may use. */
export function modelsOf({ models }: Tenant, config: MeshConfig): readonly Model[] {
  return models === '*' ? config.models : config.models.filter(({ id }) => models.includes(id))
}

/** Whether two sites are one pool in one place, whatever it is called to cost or to hold. */
export function isSameSite(one: PoolSite, other: PoolSite): boolean {
  return (
    one.pool.id === other.pool.id &&
    one.pool.url === other.pool.url &&
    one.pool.binding === other.pool.binding &&
    one.pool.auth === other.pool.auth &&
    one.pool.sovereign === other.pool.sovereign &&
    one.region.id === other.region.id &&
    one.region.jurisdiction === other.region.jurisdiction
  )
}

function barring(
  { rules }: MeshConfig,
  { tenant, model, site }: Pick<Way, 'tenant' | 'model' | 'site'>,
): Rule['match'][] {
  return rules
    .filter((rule) => ofRule(rule, site).length > 0)
    .filter(({ match }) => match.tenants?.includes(tenant.id) ?? true)
    .filter(({ match }) => match.models?.includes(model.id) ?? true)
    .map(({ match: { tenants: _tenants, models: _models, ...match } }) => match)
}

function isAlways(match: Rule['match']): boolean {
  return Object.values(match).every((condition) => condition === undefined)
}

/** As the narrowing header reads words: a jurisdiction before a region before a pool. */
function wordsFor({ pool, region }: PoolSite, { regions }: MeshConfig): string[] {
  const isJurisdiction = (word: string): boolean => regions.some(({ jurisdiction }) => jurisdiction === word)
  const isRegion = (word: string): boolean => regions.some(({ id }) => id === word)
  return [
    region.jurisdiction,
    ...(isJurisdiction(region.id) ? [] : [region.id]),
    ...(isJurisdiction(pool.id) || isRegion(pool.id) ? [] : [pool.id]),
  ]
}
