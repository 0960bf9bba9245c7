/** Reads one target of a Portkey config: where it is, what it speaks, and with which model it answers. */
import { isObject } from '../../../shared/is-object.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Dialect } from '../../../shared/schema/mesh.ts'
import { isSet, secretName, shown, type Finding } from './draft.ts'
import { providerOf } from './providers.ts'

type Table = Readonly<Record<string, unknown>>

export interface Target {
  readonly where: string
  /** The model it answers with whatever was asked for; undefined where it takes the client's. */
  readonly model?: string
  /** Of a load balancer's requests. */
  readonly share: number
  readonly dialect: Dialect
  readonly url: string
  readonly apiVersion?: string
  readonly secret: string
  readonly findings: readonly Finding[]
}

/** As for LiteLLM: the first version that states usage in streams. */
const AZURE_API_VERSION = '2024-10-21'

/** Fails with the reason why it is left out. */
export function readTarget(
  config: Table,
  { where, share }: { readonly where: string; readonly share: number },
  providers: ReadonlyMap<string, string>,
): Result<Target, string> {
  const named = ownName(config)
  const { provider } = config
  const said =
    providers.get(named ?? '') ??
    (typeof provider === 'string' && !provider.startsWith('@') ? provider : undefined)
  if (said === undefined) {
    return err(`nobody said whose it is: give --provider ${shown(named ?? 'NAME')}=PROVIDER, e.g. openai`)
  }
  const found = providerOf(said)
  if (found === undefined) return err(`the mesh speaks no dialect of "${shown(said)}"`)

  const host = config['custom_host']
  const resource = config['azure_resource_name'] ?? config['resource_name']
  const azure = typeof resource === 'string' ? `https://${resource}.openai.azure.com` : undefined
  const url = typeof host === 'string' ? host.replace(/\/+$/, '') : (found.url ?? azure)
  if (url === undefined) return err('it does not say where it is: custom_host, or resource_name for Azure')

  const model = modelOf(config)
  const params = isObject(config['override_params']) ? config['override_params'] : {}
  const others = Object.keys(params).filter((name) => name !== 'model' && isSet(params[name]))
  if (others.length > 0) {
    // An answer that was cut short or made in another way by them would not be any more.
    return err(`the mesh changes no request on its way, and it overrides ${shown(others.join(', '))}`)
  }
  const secret = secretName(named ?? `${said}_key`)
  return ok({
    where,
    share,
    dialect: found.dialect,
    url,
    secret,
    ...(model === undefined ? {} : { model }),
    ...(found.dialect === 'azure' ? { apiVersion: versionOf(config) } : {}),
    findings: isSet(config['api_key'])
      ? [{ where, kind: 'note', reason: `its key stands in the file; it is not copied: set it as ${secret}` }]
      : [],
  })
}

/** A virtual key, or the slug of a provider. */
function ownName(config: Table): string | undefined {
  const { virtual_key: virtualKey, provider } = config
  if (typeof virtualKey === 'string') return virtualKey
  return typeof provider === 'string' && provider.startsWith('@') ? provider.slice(1) : undefined
}

function modelOf(config: Table): string | undefined {
  const params = isObject(config['override_params']) ? config['override_params'] : {}
  const model = config['azure_deployment_id'] ?? config['deployment_id'] ?? params['model']
  return typeof model === 'string' ? model : undefined
}

function versionOf(config: Table): string {
  const version = config['azure_api_version'] ?? config['api_version']
  return typeof version === 'string' ? version : AZURE_API_VERSION
}
