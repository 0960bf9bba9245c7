/**
 * The config that workerd runs the production bundle with: what wrangler.toml binds on Cloudflare, bound to this machine. It holds
 * names of secrets and never their values; workerd takes those from its environment.
 */
import type { NodePlace } from '../../shared/config/node-place.ts'
import { formatCapnp, type CapnpValue } from './capnp.ts'
import type { WranglerFacts } from './wrangler-facts.ts'

export interface WorkerdConfigInput {
  readonly facts: WranglerFacts
  /** Files of the bundle, beside the config; the first is the entry. */
  readonly modules: readonly string[]
  readonly kvModules: readonly string[]
  /** The mesh's config, beside workerd's. */
  readonly meshConfigFile: string
  /** Text of MESH_MODE. */
  readonly mode: string
  readonly place: NodePlace
  /** Names in workerd's environment, which are also those of the bindings. */
  readonly secretNames: readonly string[]
  /** Address and port to listen on. */
  readonly listen: string
  /** Address and port that tell whether the node takes requests. */
  readonly readiness: string
  /** Folders, absolute. */
  readonly objectsDir: string
  readonly kvDir: string
}

/** What makes the names of objects in storage. Stored data cannot be found under another one. */
const UNIQUE_KEY_PREFIX = 'warmpath'

export function formatWorkerdConfig(input: WorkerdConfigInput): string {
  const config = formatCapnp({
    services: [
      { name: 'mesh', worker: meshWorker(input) },
      { name: 'kv', worker: kvWorker(input) },
      { name: 'readiness', external: { address: input.readiness, http: {} } },
      { name: 'objects', disk: { path: input.objectsDir, writable: true } },
      { name: 'kv-data', disk: { path: input.kvDir, writable: true } },
      { name: 'pools', network: POOL_NETWORK },
    ],
    sockets: [{ name: 'http', address: input.listen, http: {}, service: 'mesh' }],
  })
  return `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = ${config};\n`
}

/**
 * Pools may be on a private network, but no name may lead to this machine itself, or to where clouds offer credentials: the check
 * of mesh.toml sees addresses and not what names resolve to.
 */
const POOL_NETWORK: CapnpValue = {
  allow: ['public', 'private'],
  deny: ['local', '169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32'],
  tlsOptions: { trustBrowserCas: true },
}

function meshWorker(input: WorkerdConfigInput): CapnpValue {
  const { facts } = input
  return {
    modules: input.modules.map(moduleOf),
    compatibilityDate: facts.compatibilityDate,
    compatibilityFlags: facts.compatibilityFlags,
    globalOutbound: 'pools',
    durableObjectNamespaces: facts.objects.map(({ className }) => namespaceOf(className)),
    durableObjectStorage: { localDisk: 'objects' },
    bindings: [
      ...Object.entries({
        ...facts.vars,
        MESH_MODE: input.mode,
        MESH_NODE_PLACE: JSON.stringify(input.place),
      }).map(([name, text]) => ({ name, text })),
      { name: 'MESH_CONFIG', text: { embed: input.meshConfigFile } },
      { name: 'MESH_READINESS', service: 'readiness' },
      ...input.secretNames.map((name) => ({ name, fromEnvironment: name })),
      ...facts.objects.map(({ binding, className }) => ({
        name: binding,
        durableObjectNamespace: className,
      })),
      // The service keeps namespaces apart by this.
      ...facts.kvNamespaces.map((name) => ({
        name,
        kvNamespace: { name: 'kv', props: { json: JSON.stringify({ namespace: name }) } },
      })),
    ],
  }
}

function kvWorker({ facts, kvModules }: WorkerdConfigInput): CapnpValue {
  return {
    modules: kvModules.map(moduleOf),
    compatibilityDate: facts.compatibilityDate,
    durableObjectNamespaces: [namespaceOf('KvStore')],
    durableObjectStorage: { localDisk: 'kv-data' },
    bindings: [{ name: 'KV_STORE', durableObjectNamespace: 'KvStore' }],
  }
}

function namespaceOf(className: string): CapnpValue {
  return { className, uniqueKey: `${UNIQUE_KEY_PREFIX}-${className}`, enableSql: true }
}

function moduleOf(file: string): CapnpValue {
  const name = file.slice(file.lastIndexOf('/') + 1)
  const content = { embed: file }
  return /\.[jt]s$/.test(name) ? { name, esModule: content } : { name, text: content }
}
