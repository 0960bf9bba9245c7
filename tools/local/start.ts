/**
 * `npm start`: simulated pools and the mesh on this machine. `-- --engine llama --model FILE` has llama.cpp in their place;
 * `-- --config FILE` runs that file's own pools instead and starts none; PORT chooses the port.
 */
import type { ChildProcess } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { devConfig } from './dev-config.ts'
import { loadDevSecrets, STATE_DIR, writePrivately } from './dev-secrets.ts'
import { startEdge } from './edge.ts'
import { startEngines, type RunningPool } from './engines.ts'
import { readArguments, type LocalEngine } from './read-arguments.ts'
import { readConfig } from './read-config.ts'
import { findUsualServers } from './usual-servers.ts'
import { welcome } from './welcome.ts'

const DEFAULT_PORT = 8787
const STATE_FILE = path.join(STATE_DIR, 'dev.json')
/** Longer than wrangler and the engines take to end by themselves. */
const KILL_AFTER_MS = 4000

const PARENT_CHECK_MS = 500
const FIRST_REQUEST_ATTEMPTS = 2
/** A pool of one's own may have to load its model first. */
const FIRST_REQUEST_MS = 20_000

const children: ChildProcess[] = []
let isStopping = false
/** What this start wrote there; a later start's file is not ours to remove. */
let stateText: string | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0))
// npm passes a signal on to a shell, which may end without us: whoever loses its parent has been told to stop.
const parent = process.ppid
setInterval(() => process.ppid !== parent && void stop(0), PARENT_CHECK_MS).unref()
await start().catch((error: unknown) => stop(1, error instanceof Error ? error.message : String(error)))

async function start(): Promise<void> {
  const startedAt = Date.now()
  const read = readArguments(process.argv.slice(2))
  if (!read.ok) return stop(1, read.error)
  const { file, engine } = read.value
  const port = readPort()
  if (port === undefined) return stop(1, 'PORT must be a number from 1 to 65535.')
  if (!(await isFree(port))) return stop(1, `Port ${port} is taken. Choose another: PORT=8788 npm start`)

  const config = await readConfig(file)
  if (!config.ok) {
    return stop(1, [`${path.basename(file)} has mistakes:`, ...config.error].join('\n  '))
  }
  const secrets = await loadDevSecrets(config.value.tenants.map(({ id }) => id))
  const engines = engine === 'own' ? [] : await startEngines(config.value, engine)
  children.push(...engines.map(({ process: child }) => child))
  watch(engines)

  const running = devConfig(config.value, secrets, engines)
  const edge = await startEdge(running, secrets, port)
  children.push(edge.process)
  edge.process.once('exit', () => void stop(1, 'The edge ended.'))
  await passFirstRequest(edge.url, running, secrets.apiKeys)

  const pools = running.pools.map((pool) => describe(pool, running, engines))
  const { adminToken, apiKeys } = secrets
  stateText = JSON.stringify({ url: edge.url, adminToken, apiKeys, pools }, null, 2)
  await writePrivately(STATE_FILE, stateText)
  const seconds = (Date.now() - startedAt) / 1000
  const found = engine === 'own' ? [] : await findUsualServers()
  const [stateFile, logFile] = [STATE_FILE, edge.logFile].map((file) => path.relative(process.cwd(), file))
  console.log(
    welcome({
      url: edge.url,
      config: running,
      secrets,
      pools,
      engine: nameOf(engine),
      found,
      seconds,
      stateFile: stateFile ?? STATE_FILE,
      logFile: logFile ?? edge.logFile,
    }),
  )
}

/** What the pools are, in a word; nothing for those that were there before. */
function nameOf(engine: LocalEngine): string {
  if (engine === 'own') return ''
  return engine === 'simulated' ? engine : path.basename(engine.modelFile)
}

function readPort(): number | undefined {
  const text = process.env['PORT'] ?? String(DEFAULT_PORT)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A pool may be killed to see what happens; the mesh goes on without it. */
function watch(engines: readonly RunningPool[]): void {
  for (const { pool, process: child } of engines) {
    child.once('exit', () => {
      if (!isStopping) console.log(`The pool ${pool.id} ended. The mesh goes on without it.`)
    })
  }
}

function describe(pool: MeshConfig['pools'][number], config: MeshConfig, engines: readonly RunningPool[]) {
  const pid = engines.find((engine) => engine.pool.id === pool.id)?.process.pid
  return {
    id: pool.id,
    region: pool.region,
    jurisdiction: config.regions.find(({ id }) => id === pool.region)?.jurisdiction ?? '',
    url: (pool.url ?? pool.binding ?? '').replace(/\/v1$/, ''),
    ...(pid === undefined ? {} : { pid }),
  }
}

/** Ready means that an answer came through the whole mesh, for a tenant that has a pool. */
async function passFirstRequest(
  url: string,
  config: MeshConfig,
  apiKeys: Readonly<Record<string, string>>,
): Promise<void> {
  const tenant = config.tenants.find(({ floor }) => 'anywhere' in floor) ?? config.tenants[0]
  const model = config.models.find(({ id }) => tenant?.models === '*' || tenant?.models.includes(id))
  const request = {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKeys[tenant?.id ?? '']}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: model?.id, max_tokens: 1, messages: [{ role: 'user', content: 'Hello' }] }),
  }
  let outcome = ''
  for (let attempt = 0; attempt < FIRST_REQUEST_ATTEMPTS; attempt += 1) {
    outcome = await outcomeOf(`${url}/v1/chat/completions`, request)
    if (outcome === '') return
  }
  console.log(`A first request was answered with ${outcome}`)
  console.log('The mesh runs; check that its pools do.')
}

/** Empty if the answer was good. A request that wrangler loses while it reloads the Worker is not waited for for ever. */
async function outcomeOf(url: string, request: RequestInit): Promise<string> {
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(FIRST_REQUEST_MS) })
    const answer = await response.text()
    return response.ok ? '' : `${response.status}: ${answer.trim()}`
  } catch {
    return 'nothing'
  }
}

/** Ends every process this start has started, then this one. */
async function stop(code: number, message?: string): Promise<void> {
  if (isStopping) return
  isStopping = true
  if (message !== undefined) console.error(message)
  await Promise.all(children.map(end))
  const written = await readFile(STATE_FILE, 'utf8').catch(() => '')
  if (stateText !== undefined && written.trim() === stateText) await rm(STATE_FILE, { force: true })
  process.exit(code)
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill('SIGTERM')
    return undefined
  })
}
