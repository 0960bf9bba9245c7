/** Runs the local entry under `wrangler dev` and waits until it answers. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { startWrangler } from '../build/wrangler.ts'
import { sha256, STATE_DIR, writePrivately, type DevSecrets } from './dev-secrets.ts'

export interface RunningEdge {
  readonly url: string
  /** What wrangler and the Worker say. */
  readonly logFile: string
  readonly process: ChildProcess
}

const READY_WITHIN_MS = 60_000
const POLL_MS = 100
/** Shown if it does not start. */
const MAX_OUTPUT_CHARACTERS = 20_000

/** Rejects with what wrangler said if the edge does not answer in time. */
export async function startEdge(config: MeshConfig, secrets: DevSecrets, port: number): Promise<RunningEdge> {
  // Two meshes on one machine share nothing but the secrets: a database has one process.
  const ownDir = path.join(STATE_DIR, String(port))
  await mkdir(ownDir, { recursive: true, mode: 0o700 })
  const envFile = path.join(ownDir, 'dev.env')
  const configText = textOf(config)
  await writePrivately(envFile, environmentOf(configText, secrets))
  // What wrangler and the Worker say goes to a file: a line of JSON per request.
  const logFile = path.join(ownDir, 'mesh.log')
  const log = await open(logFile, 'w', 0o600)
  const child = startWrangler(
    [
      ['dev', 'workers/dev/index.ts', '--local', '--ip', '127.0.0.1', '--port', String(port)],
      ['--inspector-port', '0', '--env-file', envFile, '--persist-to', path.join(ownDir, 'state')],
      ['--show-interactive-dev-session=false', '--log-level', 'log'],
    ].flat(),
    ['ignore', log.fd, log.fd],
    {
      NO_COLOR: '1',
      WRANGLER_REGISTRY_PATH: path.join(ownDir, 'registry'),
      WRANGLER_LOG_PATH: path.join(ownDir, 'logs'),
    },
  )
  await log.close()

  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + READY_WITHIN_MS
  const version = `cfg_${sha256(configText).slice(0, 12)}`
  while (!(await answers(url, version))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      const said = await readFile(logFile, 'utf8')
      throw new Error(`The edge did not start. wrangler said:\n${said.slice(-MAX_OUTPUT_CHARACTERS)}`)
    }
    await wait(POLL_MS)
  }
  return { url, logFile, process: child }
}

/** Whether it is this mesh that answers: another one may have taken the port in the meantime. */
async function answers(url: string, version: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) })
    await response.arrayBuffer()
    return response.ok && response.headers.get('x-mesh-config') === version
  } catch {
    return false
  }
}

/** JSON is TOML's equal here and has no line breaks; the escapes keep a dotenv reader from seeing anything in it. */
function textOf(config: MeshConfig): string {
  return JSON.stringify(config).replaceAll("'", '\\u0027').replaceAll('$', '\\u0024')
}

function environmentOf(configText: string, secrets: DevSecrets): string {
  return [
    'MESH_MODE=dev',
    `MESH_CONFIG='${configText}'`,
    `MESH_FINGERPRINT_SECRET=${secrets.fingerprintSecret}`,
    `MESH_ENCRYPTION_SECRET=${secrets.encryptionSecret}`,
    `MESH_ADMIN_TOKEN=${secrets.adminToken}`,
    `MESH_RECEIPT_KEY=${secrets.receiptKey}`,
  ].join('\n')
}
