/**
 * `npm run serve -- --mode single:JURISDICTION --colo COLO`: the production bundle on workerd, on one's own machine. It checks
 * everything before it starts anything, and lets streams end before it stops. docs/self-hosting.md describes the flags.
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { PROJECT_DIR } from '../build/wrangler.ts'
import { STATE_DIR } from '../local/dev-secrets.ts'
import { buildBundle } from './build-bundle.ts'
import { checkNode, type CheckedNode } from './check-node.ts'
import { copyBundle, prepareDataFolder, writeKvService } from './data-folder.ts'
import { drain } from './drain.ts'
import { knownSecrets } from './known-secrets.ts'
import { readOptions, type ServeOptions } from './read-options.ts'
import { startReadiness, type Readiness } from './readiness.ts'
import { watchSignals } from './signals.ts'
import { startWorkerd, type RunningWorkerd } from './workerd.ts'
import { formatWorkerdConfig } from './workerd-config.ts'

const READY_WITHIN_MS = 20_000
const POLL_MS = 50

const options = readOptions(process.argv.slice(2), {
  projectDir: PROJECT_DIR,
  environment: process.env,
  readText,
})
if (!options.ok) fail([options.error])
const node = checkNode(options.value, {
  environment: process.env,
  readText,
  known: knownSecrets(STATE_DIR),
  wranglerToml: readText(path.join(PROJECT_DIR, 'wrangler.toml')) ?? '',
})
if (!node.ok) fail(node.error)

try {
  await serve(options.value, node.value)
} catch (error) {
  fail([error instanceof Error ? error.message : 'The node could not start.'])
}

async function serve(chosen: ServeOptions, checked: CheckedNode): Promise<void> {
  const signals = watchSignals()
  const bundleDir = chosen.bundleDir ?? (await buildBundle())
  const readiness = await startReadiness()
  const configFile = await writeConfig(chosen, checked, { bundleDir, readiness })
  const workerd = await startWorkerd(configFile, checked.secrets)
  if (!(await isReady(urlOf(chosen.node.listen, workerd.port), workerd))) {
    workerd.kill()
    throw new Error('The mesh did not start.')
  }
  console.log(`Warmpath listens on ${chosen.node.listen.replace(/:\d+$/, '')}:${workerd.port}`)

  const outcome = await Promise.race([signals.first, workerd.ended])
  if (outcome !== 'signal') throw new Error('workerd ended by itself.')
  console.log('Warmpath lets streams end; a second signal stops it at once.')
  await drain(workerd, {
    withdraw: readiness.withdraw,
    noticeMs: chosen.node.notice_seconds * 1000,
    drainMs: chosen.node.drain_seconds * 1000,
    hurry: signals.second,
    wait,
  })
  process.exit(0)
}

async function writeConfig(
  { dataDir, mode, node: { listen } }: ServeOptions,
  { configText, facts, place, secrets }: CheckedNode,
  { bundleDir, readiness }: { readonly bundleDir: string; readonly readiness: Readiness },
): Promise<string> {
  const folder = await prepareDataFolder(dataDir)
  const meshConfigFile = 'node-mesh.toml'
  await writeFile(path.join(folder.generatedDir, meshConfigFile), configText, { mode: 0o600 })
  const config = formatWorkerdConfig({
    facts,
    modules: await copyBundle(bundleDir, folder),
    kvModules: await writeKvService(folder),
    meshConfigFile,
    mode: mode ?? '',
    place,
    secretNames: Object.keys(secrets),
    listen,
    readiness: readiness.address,
    objectsDir: folder.objectsDir,
    kvDir: folder.kvDir,
  })
  const configFile = path.join(folder.generatedDir, 'config.capnp')
  await writeFile(configFile, config, { mode: 0o600 })
  return configFile
}

/** Whether the mesh answers in time; one that ends before it does has failed. */
async function isReady(url: string, workerd: RunningWorkerd): Promise<boolean> {
  let hasEnded = false
  void workerd.ended.then(() => {
    hasEnded = true
  })
  const deadline = Date.now() + READY_WITHIN_MS
  while (!hasEnded && Date.now() < deadline) {
    const status = await statusOf(`${url}/readyz`)
    if (status === 200) return true
    // A Worker that refuses to start answers every request alike.
    if (status !== undefined) return false
    await wait(POLL_MS)
  }
  return false
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(READY_WITHIN_MS) })
    await response.arrayBuffer()
    return response.status
  } catch {
    // It does not listen yet.
    return undefined
  }
}

/** An address that stands for all of a machine's is reached at the machine itself. */
function urlOf(listen: string, port: number): string {
  const host = listen.replace(/:\d+$/, '')
  const isAny = ['*', '0.0.0.0', '[::]'].includes(host)
  return `http://${isAny ? '127.0.0.1' : host}:${port}`
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Missing, a folder, not permitted: to who asks it is all the same.
    return undefined
  }
}

function fail(lines: readonly string[]): never {
  for (const line of ['Warmpath does not start:', ...lines.map((text) => `  ${text}`)]) console.error(line)
  process.exit(1)
}
