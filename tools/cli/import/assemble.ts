/** Puts a draft into the form of mesh.toml, at the places that were given, and checks it as any other config is checked. */
import { stringify } from 'smol-toml'
import { SEPARATES_TENANTS } from '../../../shared/config/check-shared-prefix.ts'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { describeProblem, parseMeshConfig, type ConfigProblem } from '../../../shared/config/parse.ts'
import { checkPoolUrl } from '../../../shared/config/pool-url.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { freeName, slugOf, type Deployment, type Draft, type Finding, type TenantDraft } from './draft.ts'
import type { Places } from './places.ts'

export interface AssembleOptions {
  readonly places: Places
  /** Jurisdictions of the floor of every tenant; `anywhere` for no limit; without it, those of the pools that are imported. */
  readonly floor?: 'anywhere' | readonly string[]
  readonly tenants: readonly TenantDraft[]
  /** Tokens of models whose context length the source does not say. */
  readonly contextLength: number
  /** Whether tenants may share a pool's prefix cache. */
  readonly acceptSharedPrefix: boolean
  readonly mode: MeshMode
  /** What the first line of the file says it was made of. */
  readonly source: string
}

export interface Assembled {
  readonly toml: string
  readonly config: MeshConfig
  readonly findings: readonly Finding[]
}

interface PlacedDeployment extends Deployment {
  readonly region: string
}

interface PoolDraft {
  readonly id: string
  readonly of: PlacedDeployment
  readonly models: Map<string, { readonly model: string; readonly version?: string; readonly served: string }>
}

/** Fails with lines for a person. */
export function assemble(draft: Draft, options: AssembleOptions): Result<Assembled, readonly string[]> {
  const { placed, findings } = placeAll(draft.deployments, options)
  if (placed.length === 0) {
    return err([
      'Nothing of it can be imported:',
      ...findings.map(({ where, reason }) => `  ${where}: ${reason}`),
    ])
  }
  const versions = versionsOf(placed)
  const pools = poolsOf(placed, versions)
  const models = [...new Set(placed.map(({ model }) => model))]
  const unknownLength = models.filter((model) => lengthOf(model, placed) === undefined)
  const regions = options.places.regions
  const floor = floorOf(options, pools)
  const value = {
    version: 1,
    regions,
    pools: pools.map((pool) => poolTable(pool, options)),
    models: models.map((model) => ({
      id: model,
      ...versions.get(model)?.table,
      context_length: lengthOf(model, placed) ?? options.contextLength,
      cache: draft.cacheTtlSeconds === undefined ? { mode: 'off' } : { ttl_seconds: draft.cacheTtlSeconds },
    })),
    tenants: options.tenants.flatMap((tenant) => tenantTable(tenant, { floor, models })),
    ...(Object.keys(draft.limits).length === 0 ? {} : { limits: limitsTable(draft.limits) }),
  }
  const toml = `#:schema ./mesh.schema.json\n# Made by \`mesh import\` from ${options.source}. docs/configuration.md describes every key.\n${stringify(value)}`
  const config = parseMeshConfig(toml, { mode: options.mode })
  if (!config.ok) return err(mistakesIn(config.error))
  return ok({
    toml,
    config: config.value,
    findings: [...findings, ...notes({ pools, unknownLength, floor, options })],
  })
}

function mistakesIn(problems: readonly ConfigProblem[]): string[] {
  return [
    'Not imported: what comes out would be no right config.',
    ...problems.map((problem) => `  ${describeProblem(problem)}`),
    ...(problems.some(({ path }) => path.endsWith('.shared_prefix'))
      ? ['To let tenants share prefix caches of such pools: --accept-shared-prefix.']
      : []),
  ]
}

function placeAll(
  deployments: readonly Deployment[],
  { places, mode }: AssembleOptions,
): { readonly placed: PlacedDeployment[]; readonly findings: Finding[] } {
  const placed: PlacedDeployment[] = []
  const findings: Finding[] = []
  for (const deployment of deployments) {
    const { url, where, regionHint } = deployment
    const fault = checkPoolUrl(url, mode)
    if (fault !== undefined) {
      findings.push({ where, kind: 'left_out', reason: `${fault.found}; ${fault.expected}` })
      continue
    }
    const host = new URL(url).host
    const hinted = places.regions.find(({ id }) => id === regionHint)?.id
    const region = places.regionOfHost.get(host) ?? hinted ?? places.regionOfHost.get('*')
    if (region === undefined) {
      findings.push({
        where,
        kind: 'left_out',
        reason: `nobody said where ${host} is: give --place ${host}=REGION`,
      })
    } else {
      placed.push({ ...deployment, region })
    }
  }
  return { placed, findings }
}

interface Versions {
  readonly idOf: ReadonlyMap<string, string>
  /** What [[models]] says of them; empty where there is one. */
  readonly table: { readonly versions?: readonly { readonly id: string; readonly weight: number }[] }
}

function versionsOf(placed: readonly PlacedDeployment[]): ReadonlyMap<string, Versions> {
  const byModel = Map.groupBy(placed, ({ model }) => model)
  return new Map(
    [...byModel].map(([model, deployments]) => {
      const idOf = new Map<string, string>()
      const weights = new Map<string, number>()
      for (const { version } of deployments) {
        if (version === undefined) continue
        const id = idOf.get(version.name) ?? freeName(slugOf(version.name) ?? 'v', new Set(idOf.values()))
        idOf.set(version.name, id)
        weights.set(id, (weights.get(id) ?? 0) + version.weight)
      }
      if (weights.size < 2) return [model, { idOf: new Map<string, string>(), table: {} }]
      return [model, { idOf, table: { versions: [...weights].map(([id, weight]) => ({ id, weight })) } }]
    }),
  )
}

/** One pool for what has one base URL, one key and one price; two where it serves a model under two names. */
function poolsOf(placed: readonly PlacedDeployment[], versions: ReadonlyMap<string, Versions>): PoolDraft[] {
  const pools: (PoolDraft & { readonly key: string })[] = []
  for (const deployment of placed) {
    const { dialect, url, secret, apiVersion, region, price, capacity, model, served } = deployment
    const key = JSON.stringify([dialect, url, secret, apiVersion, region, price, capacity])
    const version = versions.get(model)?.idOf.get(deployment.version?.name ?? '')
    const same = pools.filter((pool) => pool.key === key)
    if (same.some(({ models }) => models.get(model)?.served === served)) continue
    let pool = same.find(({ models }) => !models.has(model))
    if (pool === undefined) {
      const name = slugOf(new URL(url).hostname.replace(/^(?:api|www)\./, '')) ?? 'pool'
      const id = freeName(name, new Set(pools.map((one) => one.id)))
      pool = { id, key, of: deployment, models: new Map() }
      pools.push(pool)
    }
    pool.models.set(model, { model, served, ...(version === undefined ? {} : { version }) })
  }
  return pools
}

function poolTable({ id, of, models }: PoolDraft, { acceptSharedPrefix }: AssembleOptions) {
  return {
    id,
    region: of.region,
    dialect: of.dialect,
    url: of.url,
    ...(of.secret === undefined ? {} : { auth: `secret:${of.secret}` }),
    models: [...models.values()],
    ...(of.capacity === undefined ? {} : { capacity: of.capacity }),
    ...(of.price === undefined ? {} : { price: of.price }),
    ...(acceptSharedPrefix && !SEPARATES_TENANTS[of.dialect] ? { shared_prefix: true } : {}),
    ...(of.apiVersion === undefined ? {} : { api_version: of.apiVersion }),
  }
}

/** The shortest of those that are known: what it allows every pool takes. */
function lengthOf(model: string, placed: readonly PlacedDeployment[]): number | undefined {
  const lengths = placed.flatMap((one) => (one.model === model ? [one.contextLength ?? []].flat() : []))
  return lengths.length === 0 ? undefined : Math.min(...lengths)
}

function floorOf(
  { floor, places }: AssembleOptions,
  pools: readonly PoolDraft[],
): { readonly anywhere: true } | { readonly jurisdictions: readonly string[] } {
  if (floor === 'anywhere') return { anywhere: true }
  const used = places.regions.filter(({ id }) => pools.some(({ of }) => of.region === id))
  return { jurisdictions: floor ?? [...new Set(used.map(({ jurisdiction }) => jurisdiction))] }
}

/** One whose models are all left out has nothing to ask for, and is left out with them. */
function tenantTable(
  { id, models, keys }: TenantDraft,
  { floor, models: imported }: { readonly floor: object; readonly models: readonly string[] },
) {
  const mayUse = models === '*' ? models : models.filter((model) => imported.includes(model))
  return mayUse.length === 0 ? [] : [{ id, floor, models: mayUse, ...(keys.length === 0 ? {} : { keys }) }]
}

/** A pool has at most the time of the whole answer to begin it. */
function limitsTable({ max_attempts: attempts, total_ms: total }: Draft['limits']) {
  return {
    ...(attempts === undefined ? {} : { max_attempts: attempts }),
    ...(total === undefined
      ? {}
      : { total_ms: total, ...(total < 30_000 ? { first_token_ms: total, idle_ms: total } : {}) }),
  }
}

function notes(made: {
  readonly pools: readonly PoolDraft[]
  readonly unknownLength: readonly string[]
  readonly floor: object
  readonly options: AssembleOptions
}): Finding[] {
  const { pools, unknownLength, floor, options } = made
  const secrets = [...new Set(pools.flatMap(({ of }) => (of.secret === undefined ? [] : [of.secret])))]
  const keyless = options.tenants.filter(({ keys }) => keys.length === 0).map(({ id }) => id)
  const unpriced = pools.filter(({ of }) => of.price === undefined).map(({ id }) => id)
  return [
    ...(options.floor === undefined
      ? [
          note(
            'tenants.floor',
            `nobody gave one; it is ${JSON.stringify(floor)}, the jurisdictions of the pools that are imported`,
          ),
        ]
      : []),
    ...(unknownLength.length === 0
      ? []
      : [
          note(
            'models.context_length',
            `not known of ${unknownLength.join(', ')}; ${options.contextLength} is assumed, and longer requests are refused`,
          ),
        ]),
    ...(unpriced.length === 0
      ? []
      : [note('pools.price', `not known of ${unpriced.join(', ')}: what they do counts as free`)]),
    ...(secrets.length === 0 ? [] : [note('pools.auth', `set these secrets: ${secrets.join(', ')}`)]),
    ...(keyless.length === 0
      ? []
      : [note('tenants.keys', `${keyless.join(', ')} has none yet, and nobody can call it`)]),
  ]
}

function note(where: string, reason: string): Finding {
  return { where, kind: 'note', reason }
}
