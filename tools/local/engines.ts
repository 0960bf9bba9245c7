/** Starts an engine for each pool of a config, as a process of its own that can be killed like any other. */
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { MeshConfig, Pool } from '../../shared/schema/mesh.ts'
import { typicalRttMs } from '../../workers/dev/typical-rtt.ts'

/** A model that is simulated, or llama.cpp with a GGUF file. */
export type EngineKind = 'simulated' | { readonly modelFile: string }

export interface RunningPool {
  readonly pool: Pool
  readonly url: string
  readonly process: ChildProcess
  /** How it differs from the pool it stands in for. */
  readonly traits: Partial<Pool> & Pick<Pool, 'dialect'>
}

interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly traits: RunningPool['traits']
}

const SIMULATED = path.join(import.meta.dirname, 'engine/main.ts')
const REAL = path.join(import.meta.dirname, '../real-engine/main.ts')
/** Each takes the memory of a whole context. */
const REAL_SLOTS = 4

/** About an 8B model on one data centre GPU: fast enough to try things, slow enough to see them. */
const TIMES = [
  ['--prefill-overhead', '30'],
  ['--prefill-time-per-token', '0.25'],
  ['--inter-token-latency', '12'],
  ['--time-factor-under-load', '2'],
].flat()

/**
 * Resolves when every engine takes requests. Rejects, and leaves none behind, if one does not start. `times` are flags of
 * the simulated engine, of which the later ones count.
 */
export async function startEngines(
  config: MeshConfig,
  kind: EngineKind,
  times: readonly string[] = TIMES,
): Promise<readonly RunningPool[]> {
  const rtt = ['--rtt-matrix', JSON.stringify(rttMatrix(config))]
  const children = config.pools.map((pool) => {
    const { file, args, traits } =
      kind === 'simulated' ? simulated(pool, config, [...rtt, ...times]) : real(pool, kind.modelFile)
    const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    return { pool, process: child, traits }
  })
  try {
    return await Promise.all(
      children.map(async (child) => ({ ...child, url: await urlOf(child.process, child.pool.id) })),
    )
  } catch (error) {
    for (const child of children) child.process.kill('SIGKILL')
    throw error
  }
}

function simulated(pool: Pool, config: MeshConfig, times: readonly string[]): Program {
  const contexts = config.models.map((model) => model.context_length)
  const args = [
    ['--port', '0'],
    ['--served-model-name', [...new Set(servedNames(pool))].join(',')],
    ['--max-num-seqs', String(pool.capacity)],
    ['--max-model-len', String(Math.max(...contexts))],
    ['--region', pool.region],
  ].flat()
  return { file: SIMULATED, args: [...args, ...times], traits: { dialect: 'vllm' } }
}

function real(pool: Pool, modelFile: string): Program {
  const args = [
    ['--port', '0'],
    ['--model', modelFile],
    ['--slots', String(REAL_SLOTS)],
    servedNames(pool)
      .slice(0, 1)
      .flatMap((name) => ['--alias', name]),
  ].flat()
  // All tenants of a local start are the person at this machine: they may share what llama.cpp cannot keep apart.
  return { file: REAL, args, traits: { dialect: 'llamacpp', capacity: REAL_SLOTS, shared_prefix: true } }
}

function servedNames(pool: Pool): readonly string[] {
  return pool.models.map(({ model, served }) => served ?? model)
}

/** An engine prints one line of JSON when it is ready. */
function urlOf(child: ChildProcess, pool: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`The pool "${pool}" did not start.`)))
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).once('line', (line) => {
      const ready: unknown = JSON.parse(line)
      const url = typeof ready === 'object' && ready !== null && 'url' in ready ? ready.url : undefined
      if (typeof url === 'string') resolve(url)
      else reject(new Error(`The pool "${pool}" did not say where it listens.`))
    })
  })
}

/** By region, then by region: what a round trip between them takes. */
function rttMatrix({ regions }: MeshConfig): Record<string, Record<string, number>> {
  return Object.fromEntries(
    regions.map((from) => [
      from.id,
      Object.fromEntries(regions.map((to) => [to.id, typicalRttMs(from, to)])),
    ]),
  )
}
