/** What the mesh adds to the time to a first token, on either path. */
import type { BenchMesh } from './bench-mesh.ts'
import { expectWord, type Samples } from './measure-hits.ts'
import { freshPrompt, toEdge, toPool, type Story } from './story.ts'
import { timed } from './timed-request.ts'

/** The second one comes later, so that the first is not sent with the end. */
const TOKENS = 2

const PATHS = ['the pool itself', 'private miss', 'shared miss'] as const

/**
 * One request at a time; the paths take turns, so that what the machine does besides is shared fairly. Besides each path's
 * times there are the differences of the same round, which are steadier than a difference of medians.
 */
export async function measureFirstToken(mesh: BenchMesh, rounds: number): Promise<Samples> {
  const samples = new Map<string, number[]>()
  const add = (what: string, ms: number): void => void samples.set(what, [...(samples.get(what) ?? []), ms])

  for (let round = 0; round < rounds; round += 1) {
    const turn = round % PATHS.length
    const times = new Map<string, number>()
    for (const path of [...PATHS.slice(turn), ...PATHS.slice(0, turn)]) {
      const ms = await firstToken(mesh, path)
      if (ms !== undefined) times.set(path, ms)
    }
    const [pool, alone, shared] = PATHS.map((path) => times.get(path))
    for (const [path, ms] of times) add(`first token: ${path}`, ms)
    if (pool !== undefined && alone !== undefined) add('added by a private miss', alone - pool)
    if (pool !== undefined && shared !== undefined) add('added by a shared miss', shared - pool)
    if (alone !== undefined && shared !== undefined) add('added by the shard alone', shared - alone)
  }
  return samples
}

/** Undefined where it came from a pool that is farther away: one request in a hundred looks around. */
async function firstToken(mesh: BenchMesh, path: (typeof PATHS)[number]): Promise<number | undefined> {
  const story: Story = { prompt: freshPrompt(), tokens: TOKENS }
  if (path === 'the pool itself') return (await timed(toPool(mesh, story))).firstTokenMs
  const isPrivate = path === 'private miss'
  const answer = await timed(toEdge(mesh, 'FRA', story, isPrivate ? { 'x-mesh-cache': 'off' } : {}))
  expectWord(answer, isPrivate ? 'bypass' : 'miss')
  return mesh.isNear(String(answer.headers['x-mesh-pool'])) ? answer.firstTokenMs : undefined
}
