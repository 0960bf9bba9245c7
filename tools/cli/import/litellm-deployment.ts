/** Reads one entry of LiteLLM's model_list: a model at one place, or the reason why it is left out. */
import { isObject } from '../../../shared/is-object.ts'
import { modelName } from '../../../shared/schema/config-values.ts'
import { isSet, secretName, shown, type Deployment, type Finding, type Price } from './draft.ts'
import { DEPLOYMENT_PARAMS, MODEL_INFO } from './known-settings.ts'
import { providerOf, providerOfBareModel, type Provider } from './providers.ts'

type Table = Readonly<Record<string, unknown>>

interface Surroundings {
  readonly variables: Table
  readonly credentials: ReadonlyMap<string, Table>
}

interface ReadEntry {
  readonly deployment?: Deployment
  readonly findings: readonly Finding[]
}

const CARRIED_PARAMS = [
  'model',
  'api_base',
  'base_url',
  'api_key',
  'api_version',
  'custom_llm_provider',
  'litellm_credential_name',
  'input_cost_per_token',
  'output_cost_per_token',
  'cache_read_input_token_cost',
  'max_parallel_requests',
  'region_name',
]
const CARRIED_INFO = [
  'mode',
  'max_tokens',
  'max_input_tokens',
  'input_cost_per_token',
  'output_cost_per_token',
  'cache_read_input_token_cost',
]
const MODES = ['chat', 'completion', 'embedding']
const ENVIRONMENT = 'os.environ/'
/** The first version of Azure's API that states usage in streams. */
const AZURE_API_VERSION = '2024-10-21'
const TOKENS_PER_PRICE = 1_000_000
const MAX_CAPACITY = 100_000

export function readDeployment(entry: unknown, index: number, around: Surroundings): ReadEntry {
  const name = isObject(entry) && typeof entry['model_name'] === 'string' ? entry['model_name'] : ''
  const where = shown(`model_list[${index}]${name === '' ? '' : ` (${name})`}`)
  const leftOut = (reason: string): ReadEntry => ({ findings: [{ where, kind: 'left_out', reason }] })
  if (!isObject(entry) || !isObject(entry['litellm_params'])) return leftOut('it has no litellm_params')
  const own = entry['litellm_params']
  const credential = own['litellm_credential_name']
  const shared = typeof credential === 'string' ? around.credentials.get(credential) : {}
  if (shared === undefined) return leftOut('its credential is not in credential_list')
  const params: Table = { ...shared, ...own }
  const info = isObject(entry['model_info']) ? entry['model_info'] : {}

  const model = params['model']
  if (typeof model !== 'string') return leftOut('it names no model')
  if (name.includes('*') || model.includes('*')) {
    return leftOut('it opens whatever its provider serves; the mesh serves the models that are listed')
  }
  if (!modelName.safeParse(name).success)
    return leftOut('its name has characters that no model of a mesh has')
  const provider = findProvider(model, params)
  if (provider === undefined)
    return leftOut(`the mesh speaks no dialect of "${shown(model.split('/')[0] ?? '')}"`)
  const mode = typeof info['mode'] === 'string' ? info['mode'] : 'chat'
  if (!MODES.includes(mode)) return leftOut(`the mesh has no surface for "${shown(mode)}"`)
  const guards = [
    ...unknownOf(params, [...CARRIED_PARAMS, ...Object.keys(DEPLOYMENT_PARAMS)]),
    ...unknownOf(info, [...CARRIED_INFO, ...Object.keys(MODEL_INFO)]).filter(
      (key) => !key.startsWith('supports_'),
    ),
  ]
  if (guards.length > 0) {
    return leftOut(
      `the mesh has no equal of ${shown(guards.join(', '))}, and it may forbid or change something`,
    )
  }
  const url = urlOf(params, provider, around)
  if (url === undefined)
    return leftOut('its api_base does not stand in the file, nor in environment_variables')

  const key = keyOf(params, provider, { name, index })
  return {
    deployment: {
      where,
      model: name,
      served: provider.rest,
      dialect: provider.provider.dialect,
      url,
      ...(provider.provider.dialect === 'azure' ? { apiVersion: versionOf(params) } : {}),
      ...(key.secret === undefined ? {} : { secret: key.secret }),
      ...priceOf({ ...info, ...params }),
      ...capacityOf(params['max_parallel_requests']),
      ...contextOf(info),
      ...(typeof params['region_name'] === 'string' ? { regionHint: params['region_name'] } : {}),
    },
    findings: [
      ...lost(where, params, DEPLOYMENT_PARAMS),
      ...(key.isInFile
        ? [
            {
              where,
              kind: 'note',
              reason: `its key stands in the file; it is not copied: set it as ${key.secret}`,
            } as const,
          ]
        : []),
      ...(provider.provider.dialect === 'azure' && typeof params['api_version'] !== 'string'
        ? [
            {
              where,
              kind: 'note',
              reason: `it names no api_version; ${AZURE_API_VERSION} is asked for`,
            } as const,
          ]
        : []),
    ],
  }
}

interface FoundProvider {
  readonly provider: Provider
  /** The model, without the provider before it. */
  readonly rest: string
}

function findProvider(model: string, params: Table): FoundProvider | undefined {
  const named = params['custom_llm_provider']
  if (typeof named === 'string') {
    const provider = providerOf(named)
    return (
      provider && { provider, rest: model.startsWith(`${named}/`) ? model.slice(named.length + 1) : model }
    )
  }
  const [prefix = '', ...rest] = model.split('/')
  if (rest.length > 0) {
    const provider = providerOf(prefix)
    return provider && { provider, rest: rest.join('/') }
  }
  const provider = isSet(params['api_base']) ? undefined : providerOfBareModel(model)
  return provider && { provider, rest: model }
}

function unknownOf(settings: Table, known: readonly string[]): string[] {
  return Object.keys(settings).filter((key) => isSet(settings[key]) && !known.includes(key))
}

function lost(where: string, settings: Table, passed: Readonly<Record<string, string>>): Finding[] {
  const byReason = Map.groupBy(
    Object.keys(settings).filter((key) => isSet(settings[key]) && Object.hasOwn(passed, key)),
    (key) => passed[key] ?? '',
  )
  return [...byReason].map(([reason, keys]) => ({
    where: `${where}: ${keys.join(', ')}`,
    kind: 'lost',
    reason,
  }))
}

/** Ollama's API in OpenAI's form stands below /v1, which LiteLLM does not write; slashes at the end say nothing. */
function urlOf(params: Table, { provider }: FoundProvider, { variables }: Surroundings): string | undefined {
  const given = params['api_base'] ?? params['base_url']
  if (!isSet(given)) return provider.url
  if (typeof given !== 'string') return undefined
  const named = given.startsWith(ENVIRONMENT) ? variables[given.slice(ENVIRONMENT.length)] : given
  if (typeof named !== 'string') return undefined
  const url = named.replace(/\/+$/, '')
  return provider.dialect === 'ollama' && !url.endsWith('/v1') ? `${url}/v1` : url
}

function keyOf(
  params: Table,
  { provider }: FoundProvider,
  { name, index }: { readonly name: string; readonly index: number },
): { readonly secret?: string; readonly isInFile: boolean } {
  const key = params['api_key']
  if (typeof key === 'string' && key.startsWith(ENVIRONMENT)) {
    return { secret: secretName(key.slice(ENVIRONMENT.length)), isInFile: false }
  }
  // "none" is what LiteLLM's documentation writes for servers without a key.
  if (isSet(key) && key !== 'none') return { secret: secretName(`${name}_${index}`), isInFile: true }
  return {
    ...(provider.keyVariable === undefined ? {} : { secret: secretName(provider.keyVariable) }),
    isInFile: false,
  }
}

function versionOf(params: Table): string {
  const version = params['api_version']
  return typeof version === 'string' ? version : AZURE_API_VERSION
}

/** A cached token costs what any other does where the source says nothing else. */
function priceOf(costs: Table): { readonly price?: Price } {
  const perMillion = (name: string) => {
    const cost = costs[name]
    return typeof cost === 'number' && cost >= 0 ? Number((cost * TOKENS_PER_PRICE).toFixed(6)) : undefined
  }
  const prompt = perMillion('input_cost_per_token')
  const completion = perMillion('output_cost_per_token')
  if (prompt === undefined && completion === undefined) return {}
  const cached = perMillion('cache_read_input_token_cost') ?? prompt ?? 0
  return { price: { prompt: prompt ?? 0, cached_prompt: cached, completion: completion ?? 0 } }
}

function capacityOf(parallel: unknown): { readonly capacity?: number } {
  if (typeof parallel !== 'number' || parallel < 1) return {}
  return { capacity: Math.min(Math.floor(parallel), MAX_CAPACITY) }
}

function contextOf(info: Table): { readonly contextLength?: number } {
  const tokens = info['max_input_tokens'] ?? info['max_tokens']
  return typeof tokens === 'number' && tokens >= 1 ? { contextLength: Math.floor(tokens) } : {}
}
