/** Starts `serve` as an operator does: a process, flags, and secrets in its environment. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { inject, vi } from 'vitest'
import { PROJECT_DIR } from '../../tools/build/wrangler.ts'
import { aMeshConfig, sha256 } from '../support/mesh-config.ts'

export const KEY = 'sk-mesh-demo-serve0123456789abcdefghijABCDEF'
export const SECRETS = {
  MESH_FINGERPRINT_SECRET: 'fingerprint secret of a node that only these tests start',
  MESH_ENCRYPTION_SECRET: 'encryption secret of a node that only these tests start',
  MESH_ADMIN_TOKEN: 'admin token of a node that only these tests start',
}

const SERVE = path.join(PROJECT_DIR, 'tools/serve/serve.ts')
const READY_WITHIN_MS = 20_000

export interface NodeProcess {
  readonly pid: number
  readonly printed: () => string
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
  readonly kill: (signal: NodeJS.Signals) => void
}

export interface RunningNode extends NodeProcess {
  readonly url: string
}

/** `environment` is added to that of this process. */
export function spawnNode(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = SECRETS,
): NodeProcess {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', SERVE, '--bundle', inject('bundleDir'), ...args],
    {
      env: { PATH: process.env['PATH'] ?? '', WARMPATH_STATE_DIR: '/nonexistent', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  }
  return {
    pid: child.pid ?? 0,
    printed: () => printed,
    ended: once(child, 'close').then(([code]: unknown[]) => (typeof code === 'number' ? code : null)),
    kill: (signal) => child.kill(signal),
  }
}

/** Resolves when it says where it listens, on a port of the system's choice. */
export async function startNode(args: readonly string[]): Promise<RunningNode> {
  const node = spawnNode(['--mode', 'single:eu', '--colo', 'FRA', '--listen', '127.0.0.1:0', ...args])
  const port = await vi.waitFor(
    () => {
      const found = /^Warmpath listens on 127\.0\.0\.1:(\d+)$/m.exec(node.printed())?.[1]
      if (found === undefined) throw new Error(node.printed())
      return found
    },
    { timeout: READY_WITHIN_MS, interval: 20 },
  )
  return { ...node, url: `http://127.0.0.1:${port}` }
}

/** The text of a mesh.toml whose pools are at these URLs, the EU's and the US's. */
export function configFor(urls: readonly [string, string], devKey = false): string {
  const [eu, us] = urls
  const { regions } = aMeshConfig({ 'eu-central': eu, 'us-east': us, 'ap-southeast': us })
  const pools = [
    { id: 'eu-central', region: 'eu-central', url: eu },
    { id: 'us-east', region: 'us-east', url: us },
  ].map(({ url, ...pool }) => ({
    ...pool,
    dialect: 'vllm',
    url: `${url}/v1`,
    models: [{ model: 'story', served: 'story-8b' }],
  }))
  // JSON is read as TOML's equal.
  return JSON.stringify({
    version: 1,
    regions,
    pools,
    models: [{ id: 'story', context_length: 32_768 }],
    tenants: [
      {
        id: 'demo',
        floor: { jurisdictions: ['eu'] },
        keys: [{ id: 'k1', sha256: sha256(KEY), ...(devKey ? { dev: true } : {}) }],
      },
    ],
    log: { open_within_ms: 10_000 },
    routing: { log_share: 0 },
  })
}

export function ask(
  node: RunningNode,
  content: string,
  body: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${node.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'story', messages: [{ role: 'user', content }], ...body }),
  })
}
