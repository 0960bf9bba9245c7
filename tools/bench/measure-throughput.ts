/** How many known answers a second one thread of workerd gives. */
import type { BenchMesh, Colo } from './bench-mesh.ts'
import { expectWord } from './measure-hits.ts'
import { watching } from './process-usage.ts'
import { freshPrompt, LONG, toEdge, type Story } from './story.ts'
import { timed } from './timed-request.ts'

export interface Throughput {
  readonly what: string
  readonly answersPerSecond: number
  /** Of workerd, per answer. */
  readonly cpuMs: number
}

const CONNECTIONS = 16
/** Fewer than the log has: what is only a part of a log is not kept by the isolate that read it. */
const PART = LONG - 50

/** To be called when nothing more is copied to KV, so that a shard's answers keep coming from the shard. */
export async function measureThroughput(mesh: BenchMesh, seconds: number): Promise<readonly Throughput[]> {
  const prompt = freshPrompt()
  const whole: Story = { prompt, tokens: LONG }
  await timed(toEdge(mesh, 'FRA', whole))
  // FRA reads it whole and keeps it, AMS only ever a part.
  await timed(toEdge(mesh, 'FRA', whole))
  const part: Story = { prompt, tokens: PART }
  return [
    { what: 'hits from the isolate’s memory', ...(await rateOf(mesh, 'FRA', part, seconds)) },
    { what: 'hits from a shard', ...(await rateOf(mesh, 'AMS', part, seconds)) },
  ]
}

async function rateOf(mesh: BenchMesh, colo: Colo, story: Story, seconds: number) {
  // Code is compiled when it has run for a while.
  await answersWithin(mesh, colo, story, seconds / 2)
  const { result, cpuMs } = await watching(mesh.workerd, () => answersWithin(mesh, colo, story, seconds))
  return { answersPerSecond: result.answers / result.seconds, cpuMs: cpuMs / result.answers }
}

/** Each connection asks again when it has its answer. */
async function answersWithin(mesh: BenchMesh, colo: Colo, story: Story, seconds: number) {
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  let answers = 0
  async function askOn(): Promise<void> {
    while (performance.now() < endsAt) {
      expectWord(await timed(toEdge(mesh, colo, story)), 'hit')
      answers += 1
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, askOn))
  return { answers, seconds: (performance.now() - startedAt) / 1000 }
}
