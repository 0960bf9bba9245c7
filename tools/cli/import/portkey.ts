/**
 * Reads a config of Portkey's gateway, as far as a mesh can do the same; says of everything else why not. Its targets become
 * pools: which of them is asked the mesh decides by what it measures. Targets of a fallback that answer with another model
 * than the first are left out; those of a load balancer become versions of the model, by their weights.
 */
import { isObject } from '../../../shared/is-object.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { isSet, shown, type Deployment, type Draft, type Finding } from './draft.ts'
import { PORTKEY_SETTINGS } from './known-settings.ts'
import { readTarget, type Target } from './portkey-target.ts'

type Table = Readonly<Record<string, unknown>>

export interface PortkeyOptions {
  /** What clients of the config ask for: Portkey's configs do not say. */
  readonly models: readonly string[]
  /** Which provider a name of one's own stands for: a virtual key, or a slug such as @openai-prod. */
  readonly providers: ReadonlyMap<string, string>
}

const MAX_DEPTH = 8
const MAX_TTL_SECONDS = 30 * 24 * 3600
const CACHE_TTL_SECONDS = 3600
const MAX_ATTEMPTS = 10
const MAX_TOTAL_MS = 3_600_000

/** `root` is what the JSON says. Fails with a sentence where it is no such config. */
export function readPortkey(root: unknown, options: PortkeyOptions): Result<Draft, string> {
  // The admin API gives a config with its name and its text around it.
  const config = unwrapped(root)
  if (!isObject(config)) return err('it is no Portkey config: a JSON object is expected')
  const found = walk(config, { where: 'config', depth: 0, from: {}, share: 1 }, options)
  return ok({
    deployments: found.targets.flatMap((target) => deploymentsOf(target, options)),
    findings: [...found.findings, ...cacheFindings(config)],
    ...cacheOf(config['cache']),
    limits: limitsOf(config),
  })
}

interface Place {
  readonly where: string
  readonly depth: number
  /** What the tables around say for all that stands in them. */
  readonly from: Table
  readonly share: number
}

interface Found {
  readonly targets: readonly Target[]
  readonly findings: readonly Finding[]
}

function walk(config: Table, place: Place, options: PortkeyOptions): Found {
  const { where } = place
  const leftOut = (reason: string): Found => ({
    targets: [],
    findings: [{ where, kind: 'left_out', reason }],
  })
  const { strategy, targets } = config
  const guards = Object.keys(config).filter((key) => isSet(config[key]) && isUnknown(key))
  const guarded: Finding[] = guards.map((key) => ({
    where: `${where}.${shown(key)}`,
    kind: 'guard',
    reason: 'the mesh has no equal, and it may forbid or change something',
  }))
  const lost = Object.keys(config)
    .filter((key) => isSet(config[key]) && Object.hasOwn(PORTKEY_SETTINGS, key))
    .map((key): Finding => ({ where: `${where}.${key}`, kind: 'lost', reason: PORTKEY_SETTINGS[key] ?? '' }))
  const own = { ...place.from, ...config }
  if (place.share === 0) return leftOut('its weight is 0')
  if (!Array.isArray(targets)) {
    if (own['provider'] === undefined && own['virtual_key'] === undefined) {
      return place.depth === 0
        ? {
            targets: [],
            findings: [...guarded, ...lost, { where, kind: 'note', reason: 'it names no provider' }],
          }
        : leftOut('it names neither a provider nor a virtual key')
    }
    const target = readTarget(own, { where, share: place.share }, options.providers)
    return target.ok
      ? { targets: [target.value], findings: [...guarded, ...lost, ...target.value.findings] }
      : { targets: [], findings: [...guarded, { where, kind: 'left_out', reason: target.error }] }
  }
  if (place.depth >= MAX_DEPTH) return leftOut('its targets stand too deep in one another')
  const mode = isObject(strategy) ? strategy['mode'] : 'single'
  if (mode !== 'loadbalance' && mode !== 'fallback' && mode !== 'single') {
    return leftOut(
      `the mesh has no strategy "${shown(String(mode))}": who may be asked is said by floors and rules`,
    )
  }
  const { targets: _targets, strategy: _strategy, ...from } = own
  const each = targets.map((target: unknown, index) =>
    isObject(target)
      ? walk(
          target,
          {
            where: `${where}.targets[${index}]`,
            depth: place.depth + 1,
            from,
            share: place.share * (mode === 'loadbalance' ? weightOf(target['weight']) : 1),
          },
          options,
        )
      : leftOut(`targets[${index}] is no table`),
  )
  const all = each.flatMap((one) => one.targets)
  const kept = mode === 'loadbalance' ? all : all.filter((target) => target.model === all[0]?.model)
  return {
    targets: kept,
    findings: [
      ...guarded,
      ...lost,
      ...each.flatMap((one) => one.findings),
      ...(mode === 'fallback' ? [FALLBACK(where)] : mode === 'loadbalance' ? [BALANCE(where)] : []),
      ...all
        .filter((target) => !kept.includes(target))
        .map((target): Finding => ({
          where: target.where,
          kind: 'left_out',
          reason: `it answers with "${shown(target.model ?? 'the model that was asked for')}", the first one with "${shown(all[0]?.model ?? 'the model that was asked for')}": the mesh never answers with another model`,
        })),
    ],
  }
}

const FALLBACK = (where: string): Finding => ({
  where: `${where}.strategy`,
  kind: 'lost',
  reason:
    'the order of the targets: the pool that will answer first is asked first, and the others if it fails',
})
const BALANCE = (where: string): Finding => ({
  where: `${where}.strategy`,
  kind: 'lost',
  reason: 'the weights of targets that serve the same model: the pool that will answer first is asked',
})

const CARRIED = [
  'strategy',
  'targets',
  'provider',
  'virtual_key',
  'api_key',
  'custom_host',
  'override_params',
  'cache',
  'retry',
  'request_timeout',
  'resource_name',
  'deployment_id',
  'api_version',
  'azure_resource_name',
  'azure_deployment_id',
  'azure_api_version',
]

function isUnknown(key: string): boolean {
  return !CARRIED.includes(key) && !Object.hasOwn(PORTKEY_SETTINGS, key)
}

/** A target with a model of its own answers with it, whatever is asked for; one without serves each model by its name. */
function deploymentsOf(target: Target, { models }: PortkeyOptions): Deployment[] {
  const { model: own, share, findings: _findings, ...rest } = target
  return models.map((model) => {
    const served = own ?? model
    return { ...rest, model, served, version: { name: served, weight: share } }
  })
}

function weightOf(weight: unknown): number {
  return typeof weight === 'number' && weight >= 0 ? weight : 1
}

function unwrapped(root: unknown): unknown {
  const data = isObject(root) && isObject(root['data']) ? root['data'] : root
  return isObject(data) && isObject(data['config']) ? data['config'] : data
}

function cacheOf(cache: unknown): { readonly cacheTtlSeconds?: number } {
  if (!isObject(cache)) return {}
  const age = cache['max_age']
  const seconds = typeof age === 'number' && age >= 1 ? Math.floor(age) : CACHE_TTL_SECONDS
  return { cacheTtlSeconds: Math.min(seconds, MAX_TTL_SECONDS) }
}

function cacheFindings({ cache }: Table): Finding[] {
  if (!isObject(cache) || cache['mode'] !== 'semantic') return []
  return [
    {
      where: 'config.cache.mode',
      kind: 'lost',
      reason: 'answers to like questions are not shared: only to equal ones',
    },
  ]
}

function limitsOf(config: Table): Draft['limits'] {
  const attempts = isObject(config['retry']) ? config['retry']['attempts'] : undefined
  const timeout = config['request_timeout']
  return {
    ...(typeof attempts === 'number' && attempts >= 0
      ? { max_attempts: Math.min(Math.floor(attempts) + 1, MAX_ATTEMPTS) }
      : {}),
    ...(typeof timeout === 'number' && timeout >= 1
      ? { total_ms: Math.min(Math.floor(timeout), MAX_TOTAL_MS) }
      : {}),
  }
}
