/** Reads LiteLLM's config.yaml, as far as a mesh can do the same; says of everything else why not. */
import { isObject } from '../../../shared/is-object.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { isSet, shown, type Deployment, type Draft, type Finding } from './draft.ts'
import { GENERAL_SETTINGS, LOOKING_ON, MODULE_SETTINGS, ROUTER_SETTINGS, SECTIONS } from './known-settings.ts'
import { readDeployment } from './litellm-deployment.ts'

type Table = Readonly<Record<string, unknown>>

/** What LiteLLM keeps an answer for, where its config does not say. */
const CACHE_TTL_SECONDS = 3600
const MAX_TTL_SECONDS = 30 * 24 * 3600
/** Bounds of mesh.toml: limits.max_attempts, limits.total_ms. */
const MAX_ATTEMPTS = 10
const MAX_TOTAL_SECONDS = 3600

/** `root` is what the YAML says. Fails with a sentence where it is no such config. */
export function readLitellm(root: unknown): Result<Draft, string> {
  if (!isObject(root)) return err('it is no LiteLLM config: a table of settings is expected')
  const list = root['model_list']
  if (!Array.isArray(list) || list.length === 0) {
    return err('it is no LiteLLM config: there is no model_list in it')
  }
  const variables = table(root['environment_variables'])
  const credentials = credentialsOf(root['credential_list'])
  const read = list.map((entry, index) => readDeployment(entry, index, { variables, credentials }))
  const router = table(root['router_settings'])
  const settings = table(root['litellm_settings'])
  const listed = read.flatMap(({ deployment }) => (deployment === undefined ? [] : [deployment]))
  const aliases = aliasesOf(router['model_group_alias'], listed)
  return ok({
    deployments: [...listed, ...aliases.deployments],
    findings: [
      ...read.flatMap(({ findings }) => findings),
      ...aliases.findings,
      ...section('router_settings', router, ROUTER_SETTINGS, ['num_retries', 'timeout', 'model_group_alias']),
      ...section('litellm_settings', settings, MODULE_SETTINGS, [
        'cache',
        'cache_params',
        'callbacks',
        'num_retries',
        'request_timeout',
      ]),
      ...callbacks(settings['callbacks']),
      ...cacheFindings(settings),
      ...section('general_settings', table(root['general_settings']), GENERAL_SETTINGS, []),
      ...section('', root, SECTIONS, [
        'model_list',
        'router_settings',
        'litellm_settings',
        'general_settings',
        'environment_variables',
        'credential_list',
      ]),
    ],
    ...cacheOf(settings),
    limits: limitsOf(router, settings),
  })
}

/** What is set and known to forbid nothing is lost; what is set and not known is a guard. */
function section(
  name: string,
  settings: Table,
  passed: Readonly<Record<string, string>>,
  carried: readonly string[],
): Finding[] {
  return Object.entries(settings)
    .filter(([key, value]) => isSet(value) && !carried.includes(key))
    .map(([key]): Finding => {
      const where = shown(name === '' ? key : `${name}.${key}`)
      const reason = Object.hasOwn(passed, key) ? passed[key] : undefined
      return reason === undefined
        ? { where, kind: 'guard', reason: 'the mesh has no equal, and it may forbid something' }
        : { where, kind: 'lost', reason }
    })
}

function callbacks(list: unknown): Finding[] {
  const names = Array.isArray(list) ? list : isSet(list) ? [list] : []
  return names.map((name): Finding => {
    const where = `litellm_settings.callbacks (${shown(String(name))})`
    return typeof name === 'string' && LOOKING_ON.has(name)
      ? { where, kind: 'lost', reason: 'what the mesh tells of itself is set up on its own' }
      : { where, kind: 'guard', reason: 'it may change or stop requests, which the mesh would let through' }
  })
}

/** Each alias is a model of its own, served by the same pools. */
function aliasesOf(
  aliases: unknown,
  listed: readonly Deployment[],
): { readonly deployments: Deployment[]; readonly findings: Finding[] } {
  const deployments: Deployment[] = []
  const findings: Finding[] = []
  for (const [alias, target] of Object.entries(table(aliases))) {
    const where = shown(`router_settings.model_group_alias.${alias}`)
    const group = typeof target === 'string' ? target : table(target)['model']
    const same = listed.filter(({ model }) => model === group)
    if (same.length === 0 || listed.some(({ model }) => model === alias)) {
      findings.push({ where, kind: 'left_out', reason: 'it stands for no model that is imported' })
    }
    if (!listed.some(({ model }) => model === alias)) {
      deployments.push(...same.map((deployment) => ({ ...deployment, where, model: alias })))
    }
  }
  return { deployments, findings }
}

/** Nothing is cached here that was not cached there. */
function cacheOf(settings: Table): { readonly cacheTtlSeconds?: number } {
  const { cache, cache_params: params } = settings
  if (cache !== true || table(params)['mode'] === 'default_off') return {}
  const ttl = table(params)['ttl']
  const seconds = typeof ttl === 'number' && ttl >= 1 ? Math.floor(ttl) : CACHE_TTL_SECONDS
  return { cacheTtlSeconds: Math.min(seconds, MAX_TTL_SECONDS) }
}

function cacheFindings(settings: Table): Finding[] {
  if (!isSet(settings['cache'])) return []
  const where = 'litellm_settings.cache'
  const type = table(settings['cache_params'])['type']
  return [
    ...(cacheOf(settings).cacheTtlSeconds === undefined
      ? [
          {
            where,
            kind: 'lost',
            reason: 'it is on where a call asks for it, which the mesh does not know',
          } as const,
        ]
      : []),
    ...(typeof type === 'string' && type.includes('semantic')
      ? [
          {
            where,
            kind: 'lost',
            reason: 'answers to like questions are not shared: only to equal ones',
          } as const,
        ]
      : []),
    { where, kind: 'note', reason: 'answers are kept by the mesh, per tenant and not for everybody' },
  ]
}

function limitsOf(router: Table, settings: Table): Draft['limits'] {
  const retries = numberOf(router['num_retries']) ?? numberOf(settings['num_retries'])
  const seconds = numberOf(router['timeout']) ?? numberOf(settings['request_timeout'])
  return {
    ...(retries === undefined || retries < 0
      ? {}
      : { max_attempts: Math.min(Math.floor(retries) + 1, MAX_ATTEMPTS) }),
    ...(seconds === undefined || seconds <= 0
      ? {}
      : { total_ms: Math.ceil(Math.min(seconds, MAX_TOTAL_SECONDS) * 1000) }),
  }
}

function credentialsOf(list: unknown): ReadonlyMap<string, Table> {
  const entries = Array.isArray(list) ? list.filter(isObject) : []
  return new Map(
    entries.map((entry) => [String(entry['credential_name']), table(entry['credential_values'])]),
  )
}

function table(value: unknown): Table {
  return isObject(value) ? value : {}
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
