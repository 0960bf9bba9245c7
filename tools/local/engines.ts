/** Starts a simulated engine for each pool of a config, as a process of its own that can be killed like a real one. */
import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { MeshConfig, Pool } from '../../shared/schema/mesh.ts'
import { typicalRttMs } from '../../workers/dev/typical-rtt.ts'

export interface RunningPool {
  readonly pool: Pool
  readonly url: string
  readonly process: ChildProcess
}

const ENGINE = path.join(import.meta.dirname, 'engine/main.ts')

/** About an 8B model on one data centre GPU: fast enough to try things, slow enough to see them. */
const TIMES = [
  ['--prefill-overhead', '30'],
  ['--prefill-time-per-token', '0.25'],
  ['--inter-token-latency', '12'],
  ['--time-factor-under-load', '2'],
].flat()

/** Resolves when every engine takes requests. Rejects, and leaves none behind, if one does not start. */
export async function startEngines(config: MeshConfig): Promise<readonly RunningPool[]> {
  const rtt = JSON.stringify(rttMatrix(config))
  const children = config.pools.map((pool) => ({ pool, process: spawnEngine(pool, config, rtt) }))
  try {
    return await Promise.all(
      children.map(async ({ pool, process }) => ({ pool, process, url: await urlOf(process, pool.id) })),
    )
  } catch (error) {
    for (const child of children) child.process.kill('SIGKILL')
    throw error
  }
}

function spawnEngine(pool: Pool, config: MeshConfig, rtt: string): ChildProcess {
  const served = pool.models.map(({ model, served: name }) => name ?? model)
  const contexts = config.models.map((model) => model.context_length)
  const args = [
    ['--port', '0'],
    ['--served-model-name', [...new Set(served)].join(',')],
    ['--max-num-seqs', String(pool.capacity)],
    ['--max-model-len', String(Math.max(...contexts))],
    ['--region', pool.region],
    ['--rtt-matrix', rtt],
  ].flat()
  return spawn(process.execPath, [ENGINE, ...args, ...TIMES], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** An engine prints one line of JSON when it is ready. */
function urlOf(child: ChildProcess, pool: string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`The simulated pool "${pool}" did not start.`)))
    if (child.stdout === null) return
    createInterface({ input: child.stdout }).once('line', (line) => {
      const ready: unknown = JSON.parse(line)
      const url = typeof ready === 'object' && ready !== null && 'url' in ready ? ready.url : undefined
      if (typeof url === 'string') resolve(url)
      else reject(new Error(`The simulated pool "${pool}" did not say where it listens.`))
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
