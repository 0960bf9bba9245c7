/**
 * The mesh one isolate runs: checked config, mode and secrets. It is built once, when the isolate starts, and
 * throws there if anything is wrong, so that a broken mesh never answers: a deploy is refused, a start fails.
 */
import { describeProblem, parseMeshConfig } from '../shared/config/parse.ts'
import { parseMeshMode, type MeshMode } from '../shared/config/mode.ts'
import { parseNodePlace, type NodePlace } from '../shared/config/node-place.ts'
import type { MeshConfig, Model, Pool, Region, Tenant } from '../shared/schema/mesh.ts'
import { sha256Hex, webCryptoDigests } from './digests.ts'
import { fetcherBinding, textBinding, type Environment } from './environment.ts'
import { exporterTarget, type ExporterTarget } from './outgoing/exporter-target.ts'
import { poolTarget } from './outgoing/pool-target.ts'
import { readReceiptKeys, type ReceiptKeys } from './receipts/keys.ts'
import { createVault, type Vault } from './vault/vault.ts'

const MIN_SECRET_CHARACTERS = 32

export interface Mesh {
  readonly config: MeshConfig
  /** As it was bound, bundled or stored. */
  readonly configText: string
  /** Names the config's text: `cfg_` and 12 hex digits of its digest. */
  readonly configVersion: () => Promise<string>
  readonly mode: MeshMode
  /** Where every request arrives, on one's own machines; undefined where the platform says it of each. */
  readonly nodePlace: NodePlace | undefined
  readonly env: Environment
  readonly fingerprintSecret: Uint8Array
  readonly adminToken: string
  /** What receipts and audit logs are signed with; undefined where the operator has set no key. */
  readonly receiptKeys: ReceiptKeys | undefined
  /** Keys of what is kept of answers. */
  readonly vault: Vault
  readonly tenants: ReadonlyMap<string, Tenant>
  readonly models: ReadonlyMap<string, Model>
  readonly regions: ReadonlyMap<string, Region>
  /** Hosts (with port) that pools are called at; a stored config can name only such as were deployed. */
  readonly poolHosts: ReadonlySet<string>
  /** Where traces are sent; whatever a stored config says, as it was deployed. */
  readonly exporters: readonly ExporterTarget[]
}

/**
 * Checks everything a mesh needs and puts it together.
 * @param bundledConfig the text of mesh.toml as it was when the Worker was built
 * @throws Error with one line per mistake
 */
export function startMesh(env: Environment, bundledConfig: string): Mesh {
  const mistakes: string[] = []
  const mode = parseMeshMode(env.MESH_MODE)
  if (!mode.ok) throw startError([mode.error])

  const text = env.MESH_CONFIG ?? bundledConfig
  const config = parseMeshConfig(text, { mode: mode.value })
  if (!config.ok) mistakes.push(...config.error.map(describeProblem))

  const nodePlace = parseNodePlace(textBinding(env, 'MESH_NODE_PLACE'), {
    mode: mode.value,
    regions: config.ok ? config.value.regions : [],
  })
  if (config.ok && !nodePlace.ok) mistakes.push(nodePlace.error)
  const fingerprintSecret = requiredSecret(env, 'MESH_FINGERPRINT_SECRET', mistakes)
  const encryptionSecret = requiredSecret(env, 'MESH_ENCRYPTION_SECRET', mistakes)
  const previousSecret = optionalSecret(env, 'MESH_ENCRYPTION_SECRET_PREVIOUS', mistakes)
  const adminToken = requiredSecret(env, 'MESH_ADMIN_TOKEN', mistakes)
  const receiptKeys = boundReceiptKeys(env, mistakes)
  if (config.ok) mistakes.push(...missingBindings(config.value, env))
  const exporters = config.ok ? boundExporters(config.value, env, mistakes) : []
  if (!config.ok || !nodePlace.ok || mistakes.length > 0) throw startError(mistakes)

  return {
    ...versionOf(config.value, text, env),
    mode: mode.value,
    nodePlace: nodePlace.value,
    env,
    fingerprintSecret: webCryptoDigests.utf8(fingerprintSecret),
    adminToken,
    receiptKeys,
    exporters,
    vault: createVault({
      current: webCryptoDigests.utf8(encryptionSecret),
      ...(previousSecret === undefined ? {} : { previous: webCryptoDigests.utf8(previousSecret) }),
    }),
  }
}

/** What of a mesh follows from its config. */
export type MeshVersion = Pick<
  Mesh,
  'config' | 'configText' | 'configVersion' | 'tenants' | 'models' | 'regions' | 'poolHosts'
>

/** @param config checked, and what it names is bound */
export function versionOf(config: MeshConfig, text: string, env: Environment): MeshVersion {
  const { tenants, models, regions, pools } = config
  const targets = pools.map((pool) => poolTarget(pool, env))
  let version: string | undefined
  return {
    config,
    configText: text,
    async configVersion() {
      version ??= await versionOfText(text)
      return version
    },
    tenants: new Map(tenants.map((tenant) => [tenant.id, tenant])),
    models: new Map(models.map((model) => [model.id, model])),
    regions: new Map(regions.map((region) => [region.id, region])),
    poolHosts: new Set(targets.flatMap((target) => (target === undefined ? [] : [target.host]))),
  }
}

/** `cfg_` and 12 hex digits of its digest. */
export async function versionOfText(text: string): Promise<string> {
  return `cfg_${(await sha256Hex(text)).slice(0, 12)}`
}

/** Lines on secrets and bindings that the config names and that are not there. */
export function missingBindings({ tenants, pools }: MeshConfig, env: Environment): string[] {
  const always = tenants.find(({ receipts }) => receipts === 'always')
  const isUnsigned = always !== undefined && textBinding(env, 'MESH_RECEIPT_KEY') === undefined
  return [
    ...(isUnsigned
      ? [`Tenant "${always.id}" has receipts = "always": set the secret MESH_RECEIPT_KEY.`]
      : []),
    ...pools
      .filter((pool) => poolTarget(pool, env) === undefined)
      .map((pool) => `Pool "${pool.id}": its ${missingName(pool, env)} is not bound.`),
  ]
}

function requiredSecret(env: Environment, name: string, mistakes: string[]): string {
  const value = textBinding(env, name) ?? ''
  if (value.length < MIN_SECRET_CHARACTERS) {
    mistakes.push(`The secret ${name} must be set, with at least ${MIN_SECRET_CHARACTERS} characters.`)
  }
  return value
}

function optionalSecret(env: Environment, name: string, mistakes: string[]): string | undefined {
  const value = textBinding(env, name)
  if (value !== undefined && value.length < MIN_SECRET_CHARACTERS) {
    mistakes.push(`The secret ${name}, if it is set, must have at least ${MIN_SECRET_CHARACTERS} characters.`)
  }
  return value
}

function boundReceiptKeys(env: Environment, mistakes: string[]): ReceiptKeys | undefined {
  const key = textBinding(env, 'MESH_RECEIPT_KEY')
  const retired = textBinding(env, 'MESH_RECEIPT_KEYS_RETIRED')
  if (key === undefined) return undefined
  const keys = readReceiptKeys({ key, ...(retired === undefined ? {} : { retired }) })
  if (keys.ok) return keys.value
  mistakes.push(...keys.error)
  return undefined
}

function boundExporters(
  { telemetry }: MeshConfig,
  env: Environment,
  mistakes: string[],
): readonly ExporterTarget[] {
  return telemetry.exporters.flatMap((exporter) => {
    const target = exporterTarget(exporter, env)
    if (target !== undefined) return [target]
    mistakes.push(`Exporter "${exporter.id}": its secret (auth = "${exporter.auth}") is not bound.`)
    return []
  })
}

function missingName({ auth, binding }: Pool, env: Environment): string {
  return binding !== undefined && fetcherBinding(env, binding) === undefined
    ? `binding "${binding}"`
    : `secret (auth = "${auth}")`
}

function startError(mistakes: readonly string[]): Error {
  return new Error(`Warmpath refuses to start:\n${mistakes.map((line) => `  ${line}`).join('\n')}`)
}
