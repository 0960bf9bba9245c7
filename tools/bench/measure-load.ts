/** What one shard costs that has many readers of one log, or many logs: CPU, memory, and the time the answers take. */
import { setTimeout as wait } from 'node:timers/promises'
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

export interface HeapLoad {
  readonly what: string
  /** Live heap in MiB before, and when the last reader has begun to read. */
  readonly objects: { readonly before: number; readonly during: number }
  readonly edge: { readonly before: number; readonly during: number }
}

export interface Loads {
  /** Readers of one log. */
  readonly followers: readonly number[]
  /** Logs with a reader each. */
  readonly logs: number
}

const POLL_MS = 20

interface Readers {
  readonly what: string
  readonly count: number
  readonly storyOf: () => Story
}

/** How long the pool takes for such an answer is the least that any reader can need. */
export async function measureLoad(mesh: BenchMesh, loads: Loads): Promise<readonly Load[]> {
  const measured: Load[] = []
  for (const readers of readersOf(loads)) {
    const { result, ...watched } = await watching(mesh.workerd, () => read(mesh, readers))
    const ends = result.map(({ endMs }) => endMs)
    const { what, count } = readers
    const lastEndMs = Math.max(...ends)
    measured.push({ what, readers: count, ...watched, medianEndMs: summarize(ends).p50, lastEndMs })
  }
  return measured
}

/** On a mesh that is inspected. */
export async function measureHeap(mesh: BenchMesh, loads: Loads): Promise<readonly HeapLoad[]> {
  const measured: HeapLoad[] = []
  for (const readers of readersOf(loads)) {
    const before = await heaps(mesh)
    let begun = 0
    const reading = read(mesh, readers, () => {
      begun += 1
    })
    let isOver = false
    const end = (): void => {
      isOver = true
    }
    void reading.then(end, end)
    while (begun < readers.count && !isOver) await wait(POLL_MS)
    const during = await heaps(mesh)
    await reading
    measured.push({
      what: readers.what,
      objects: { before: before.objects, during: during.objects },
      edge: { before: before.edge, during: during.edge },
    })
  }
  return measured
}

function readersOf({ followers, logs }: Loads): readonly Readers[] {
  return [
    ...followers.map((count): Readers => {
      const story = { prompt: freshPrompt(), tokens: LONG }
      return { what: `${count} of one log`, count, storyOf: () => story }
    }),
    {
      what: `${logs} of as many logs`,
      count: logs,
      storyOf: () => ({ prompt: freshPrompt(), tokens: LONG }),
    },
  ]
}

async function heaps(mesh: BenchMesh): Promise<{ objects: number; edge: number }> {
  return { objects: await mesh.heapOf('objects'), edge: await mesh.heapOf('FRA') }
}

async function read(
  mesh: BenchMesh,
  { count, storyOf }: Readers,
  onFirstByte?: () => void,
): Promise<readonly TimedAnswer[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => timed(toEdge(mesh, 'FRA', storyOf()), onFirstByte)),
  )
  // One makes it, and the others follow; of a thousand on a busy machine the last may come when it is whole.
  expectWords(answers, ['miss', 'coalesced', 'hit'])
  return answers
}

function expectWords(answers: readonly TimedAnswer[], words: readonly string[]): void {
  for (const answer of answers) {
    const word = String(answer.headers['x-mesh-cache'])
    expectWord(answer, words.includes(word) ? word : words.join(' or '))
  }
}
