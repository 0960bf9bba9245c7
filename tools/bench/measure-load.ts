/** What one shard costs that has many readers of one log, or many logs: CPU, memory, and the time the answers take. */
import type { BenchMesh } from './bench-mesh.ts'
import { expectWord } from './measure-hits.ts'
import { watching, type Watched } from './process-usage.ts'
import { summarize } from './statistics.ts'
import { freshPrompt, LONG, toEdge, type Story } from './story.ts'
import { timed, type TimedAnswer } from './timed-request.ts'

export interface Load extends Watched {
  readonly what: string
  readonly readers: number
  /** Until half of the readers had all of it, and until the last one had. */
  readonly medianEndMs: number
  readonly lastEndMs: number
}

/** How long the pool takes for such an answer is the least that any reader can need. */
export async function measureLoad(
  mesh: BenchMesh,
  followers: readonly number[],
  logs: number,
): Promise<readonly Load[]> {
  const loads: Load[] = []
  for (const readers of followers) {
    const story: Story = { prompt: freshPrompt(), tokens: LONG }
    const read = (): Promise<TimedAnswer> => timed(toEdge(mesh, 'FRA', story))
    loads.push(await load(mesh, `${readers} of one log`, readers, read, ['miss', 'coalesced']))
  }
  const read = (): Promise<TimedAnswer> => timed(toEdge(mesh, 'FRA', { prompt: freshPrompt(), tokens: LONG }))
  loads.push(await load(mesh, `${logs} of as many logs`, logs, read, ['miss']))
  return loads
}

async function load(
  mesh: BenchMesh,
  what: string,
  readers: number,
  read: () => Promise<TimedAnswer>,
  words: readonly string[],
): Promise<Load> {
  const { result, ...watched } = await watching(mesh.workerd, () =>
    Promise.all(Array.from({ length: readers }, read)),
  )
  for (const answer of result) {
    const word = String(answer.headers['x-mesh-cache'])
    expectWord(answer, words.includes(word) ? word : words.join(' or '))
  }
  const ends = result.map(({ endMs }) => endMs)
  return { what, readers, ...watched, medianEndMs: summarize(ends).p50, lastEndMs: Math.max(...ends) }
}
