/** What the mesh adds to the time to a first token, on either path. */
import type { BenchMesh } from './bench-mesh.ts'
import { expectWord, type Samples } from './measure-hits.ts'
import { freshPrompt, toBareWorker, toEdge, toPool, type Story } from './story.ts'
import { timed } from './timed-request.ts'

/** The second one comes later, so that the first is not sent with the end. */
const TOKENS = 2

type Path =
  'the pool itself' | 'a bare Worker' | 'a bare Worker and an object' | 'private miss' | 'shared miss'

const PATHS: readonly Path[] = [
  'the pool itself',
  'a bare Worker',
  'a bare Worker and an object',
  'private miss',
  'shared miss',
]

/** What the one has and the other has not. */
const DIFFERENCES: readonly (readonly [string, Path, Path])[] = [
  ['added to the pool: a bare Worker', 'a bare Worker', 'the pool itself'],
  ['added to the pool: a bare Worker and an object', 'a bare Worker and an object', 'the pool itself'],
  ['added to the pool: a private miss', 'private miss', 'the pool itself'],
  ['added to the pool: a shared miss', 'shared miss', 'the pool itself'],
  ['added to a private miss: a shared miss', 'shared miss', 'private miss'],
]

/**
 * One request at a time; the paths take turns, so that what the machine does besides is shared fairly. Besides each path's
 * times there are the differences of the same round, which are steadier than a difference of medians.
 */
export async function measureFirstToken(mesh: BenchMesh, rounds: number): Promise<Samples> {
  const samples = new Map<string, number[]>()
  const add = (what: string, ms: number): void => void samples.set(what, [...(samples.get(what) ?? []), ms])

  for (let round = 0; round < rounds; round += 1) {
    const turn = round % PATHS.length
    const times = new Map<Path, number>()
    for (const path of [...PATHS.slice(turn), ...PATHS.slice(0, turn)]) {
      const ms = await firstToken(mesh, path)
      if (ms !== undefined) times.set(path, ms)
    }
    for (const [path, ms] of times) add(`first token: ${path}`, ms)
    for (const [what, longer, shorter] of DIFFERENCES) {
      const [more, less] = [times.get(longer), times.get(shorter)]
      if (more !== undefined && less !== undefined) add(what, more - less)
    }
  }
  return new Map([...samples].toSorted(([a], [b]) => rankOf(a) - rankOf(b)))
}

/** Undefined where it came from a pool that is farther away: one request in a hundred looks around. */
async function firstToken(mesh: BenchMesh, path: Path): Promise<number | undefined> {
  const story: Story = { prompt: freshPrompt(), tokens: TOKENS }
  switch (path) {
    case 'the pool itself':
      return (await timed(toPool(mesh, story))).firstTokenMs
    case 'a bare Worker':
      return (await timed(toBareWorker(mesh, 'javascript', story))).firstTokenMs
    case 'a bare Worker and an object':
      return (await timed(toBareWorker(mesh, 'object', story))).firstTokenMs
    case 'private miss':
      return throughMesh(mesh, story, { 'x-mesh-cache': 'off' }, 'bypass')
    case 'shared miss':
      return throughMesh(mesh, story, {}, 'miss')
  }
}

async function throughMesh(
  mesh: BenchMesh,
  story: Story,
  headers: Readonly<Record<string, string>>,
  word: string,
): Promise<number | undefined> {
  const answer = await timed(toEdge(mesh, 'FRA', story, headers))
  expectWord(answer, word)
  return mesh.isNear(String(answer.headers['x-mesh-pool'])) ? answer.firstTokenMs : undefined
}

/** In the order of the lists above, whatever came first in the first round. */
function rankOf(what: string): number {
  const names = [...PATHS.map((path) => `first token: ${path}`), ...DIFFERENCES.map(([name]) => name)]
  return names.indexOf(what)
}
