/** What passing an answer on costs that comes at a pool's pace, a frame at a time. */
import type { BenchMesh } from './bench-mesh.ts'
import { watching } from './process-usage.ts'
import { freshPrompt, LONG, LONG_FRAMES, toBareWorker, toEdge, type Story } from './story.ts'
import { timed, type TimedRequest } from './timed-request.ts'

export interface RelayCost {
  readonly what: string
  /** Of workerd, per frame and reader. */
  readonly cpuMicroseconds: number
}

/** Enough that a hundredth of a second, the unit of what Linux tells, is little. */
const STREAMS = 32
/** Code is compiled when it has run for a while; shorter answers do for that. */
const WARM_UP_TOKENS = 50

export async function measureRelay(mesh: BenchMesh): Promise<readonly RelayCost[]> {
  const ways: Readonly<Record<string, (story: Story) => TimedRequest>> = {
    'a bare Worker, natively': (story) => toBareWorker(mesh, 'native', story),
    'a bare Worker, in JavaScript': (story) => toBareWorker(mesh, 'javascript', story),
    'a bare Worker and an object, in JavaScript': (story) => toBareWorker(mesh, 'object', story),
    'private miss': (story) => toEdge(mesh, 'FRA', story, { 'x-mesh-cache': 'off' }),
    'shared miss': (story) => toEdge(mesh, 'FRA', story),
  }
  const costs: RelayCost[] = []
  for (const [what, requestFor] of Object.entries(ways)) {
    await streams(WARM_UP_TOKENS, requestFor)
    const { cpuMs } = await watching(mesh.workerd, () => streams(LONG, requestFor))
    costs.push({ what, cpuMicroseconds: (cpuMs * 1000) / (STREAMS * LONG_FRAMES) })
  }
  return costs
}

async function streams(tokens: number, requestFor: (story: Story) => TimedRequest): Promise<void> {
  await Promise.all(
    Array.from({ length: STREAMS }, () => timed(requestFor({ prompt: freshPrompt(), tokens }))),
  )
}
