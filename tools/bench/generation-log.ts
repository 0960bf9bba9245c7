/**
 * `npm run bench:log`: the figures of the generation log, as markdown. Starts a mesh and its pools on this machine twice,
 * without and with the delays of the real network. `-- --quick` measures less of everything, to see whether it works.
 */
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { buildLocalEntry } from '../build/local-entry.ts'
import { PROJECT_DIR } from '../build/wrangler.ts'
import { COLOS, PREFILL_MS, startBenchMesh, TOKEN_MS, type BenchMesh } from './bench-mesh.ts'
import { measureFirstToken } from './measure-first-token.ts'
import { measureHits } from './measure-hits.ts'
import { measureHeap, measureLoad, type HeapLoad, type Loads } from './measure-load.ts'
import { measureRelay } from './measure-relay.ts'
import { measureThroughput } from './measure-throughput.ts'
import { reportOf, type Measured } from './report.ts'
import { freshPrompt, LONG, toEdge } from './story.ts'
import { timed } from './timed-request.ts'

interface Amounts {
  readonly answers: number
  readonly rounds: number
  readonly seconds: number
  readonly loads: Loads
}

const FULL: Amounts = {
  answers: 60,
  rounds: 80,
  seconds: 3,
  loads: { followers: [1, 100, 1000], logs: 200 },
}
const QUICK: Amounts = { answers: 5, rounds: 6, seconds: 1, loads: { followers: [1, 20], logs: 20 } }
/** Requests to each edge before anything is measured. */
const WARM_UP = 20

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const amounts = values.quick ? QUICK : FULL

console.error('building …')
const entry = await buildLocalEntry()
try {
  console.log(await machine())
  const off = await measure(false)
  const on = await measure(true)
  const heap = await heapUnderLoad()
  console.log(`\n${reportOf({ off, on, heap })}\n`)
  console.log(`Load of the machine at the end: ${load()}.`)
} finally {
  await entry.remove()
}

async function measure(isDelayed: boolean): Promise<Measured> {
  const mesh = await startBenchMesh({ workerDir: entry.dir, isDelayed, promotions: amounts.answers })
  const step = <T>(what: string, work: (mesh: BenchMesh) => Promise<T>): Promise<T> => {
    console.error(`delays ${isDelayed ? 'on' : 'off'}: ${what} …`)
    return work(mesh)
  }
  try {
    await warmUp(mesh)
    return {
      // First, while the process has used little memory.
      load: await step('load', () => measureLoad(mesh, amounts.loads)),
      hits: await step('hits', () => measureHits(mesh, amounts.answers)),
      // Then nothing is copied to KV any more.
      throughput: await step('throughput', () => measureThroughput(mesh, amounts.seconds)),
      firstToken: await step('first tokens', () => measureFirstToken(mesh, amounts.rounds)),
      relay: await step('relay', measureRelay),
    }
  } finally {
    await mesh.stop()
  }
}

async function heapUnderLoad(): Promise<readonly HeapLoad[]> {
  console.error('heap …')
  const mesh = await startBenchMesh({
    workerDir: entry.dir,
    isDelayed: false,
    promotions: 0,
    isInspected: true,
  })
  try {
    await warmUp(mesh)
    return await measureHeap(mesh, amounts.loads)
  } finally {
    await mesh.stop()
  }
}

async function warmUp(mesh: BenchMesh): Promise<void> {
  for (const colo of COLOS) {
    for (let request = 0; request < WARM_UP; request += 1) {
      await timed(toEdge(mesh, colo, { prompt: freshPrompt(), tokens: 1 }))
    }
  }
}

async function machine(): Promise<string> {
  const [cpu] = cpus()
  return [
    `${availableParallelism()} cores (${cpu?.model ?? 'unknown'}), Node ${process.versions.node},`,
    `workerd ${await versionOf('workerd')}, load ${load()} when it began.`,
    `Answers of ${LONG} tokens; pools take ${PREFILL_MS} ms to a first token and ${TOKEN_MS} ms for each more.`,
  ].join(' ')
}

async function versionOf(name: string): Promise<string> {
  const text = await readFile(path.join(PROJECT_DIR, 'node_modules', name, 'package.json'), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  return version
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
}
