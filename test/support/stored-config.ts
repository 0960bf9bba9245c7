/** A mesh whose config is in the store, and what an operator does with it. */
import type { ConfigDiff } from '../../shared/config-diff/diff.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { admin } from './admin.ts'
import { aMeshConfig } from './mesh-config.ts'
import { startMesh, type MeshOptions, type TestMesh } from './mesh.ts'

export interface ChangeAnswer {
  readonly status: number
  readonly version?: string
  readonly number?: number
  readonly changed?: boolean
  readonly replaced?: string
  readonly diff?: ConfigDiff
  readonly mistakes?: readonly string[]
  readonly error?: { readonly code: string; readonly message: string }
}

export interface StoredMesh {
  readonly mesh: TestMesh
  /** The config that was deployed. */
  readonly deployed: MeshConfig
  /** Sends JSON; `path` begins behind /config. */
  send(method: string, path: string, body: object, headers?: Record<string, string>): Promise<ChangeAnswer>
  /** Puts the deployed config with changes in place of what is in force. */
  put(changes: object, more?: object): Promise<ChangeAnswer>
  current(): Promise<string>
}

export async function startStoredMesh(
  options: MeshOptions = {},
  changes: Readonly<Record<string, unknown>> = {},
): Promise<StoredMesh> {
  let deployed: MeshConfig | undefined
  const mesh = await startMesh({
    distances: false,
    ...options,
    config: (urls) => (deployed = aMeshConfig(urls, { config: { source: 'store' }, ...changes })),
  })
  if (deployed === undefined) throw new Error('a mesh that has started has a config')
  const config = deployed

  async function send(
    method: string,
    path: string,
    body: object,
    headers: Record<string, string> = {},
  ): Promise<ChangeAnswer> {
    const response = await admin(mesh, 'FRA', `/config${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return { status: response.status, ...((await response.json()) as object) }
  }

  async function current(): Promise<string> {
    const { version } = (await (await admin(mesh, 'FRA', '/config')).json()) as { version: string }
    return version
  }

  return {
    mesh,
    deployed: config,
    send,
    current,
    async put(partial, more = {}) {
      const text = JSON.stringify({ ...config, ...partial })
      return send('PUT', '', { config: text, expected: await current(), accept_widening: true, ...more })
    },
  }
}
