/** Which of the logs under a fingerprint a job is answered from, and how. */
import { readLog, type LogReader } from '../../shared/log/reading.ts'
import { readerOf } from '../log-reader.ts'
import type { Mesh } from '../mesh.ts'
import type { Generation } from './generation.ts'
import type { GenerationJob } from './log-shard-rpc.ts'

export type LogChoice =
  | { readonly reading: 'hit' | 'coalesced' | 'extended'; readonly generation: Generation }
  /** Whether it will do is known when its first token is here. */
  | { readonly reading: 'wait'; readonly generation: Generation }
  | { readonly reading: 'miss' }

/** In the order of what they save. */
const PREFERENCE = ['hit', 'coalesced', 'extended'] as const

export function choose(
  takes: readonly Generation[],
  job: GenerationJob,
  mesh: Mesh,
  nowMs: number,
): LogChoice {
  const reader = readerOf(job, mesh, nowMs)
  const choices = takes.flatMap((generation) => choiceOf(generation, job, reader))
  for (const reading of PREFERENCE) {
    const choice = choices.find((each) => each.reading === reading)
    if (choice !== undefined) return choice
  }
  return choices.find(({ reading }) => reading === 'wait') ?? { reading: 'miss' }
}

function choiceOf(generation: Generation, job: GenerationJob, reader: LogReader): LogChoice[] {
  const { kept, log } = generation
  if (generation.isAbandoned) return []
  if (kept === undefined) return beforeFirstToken(generation, job, reader)
  // What is too long to be kept is for those alone who have followed it from the start.
  if (log.firstKept > 0) return []
  const reading = readLog(log, kept.life, reader)
  return reading === 'miss' ? [] : [{ reading, generation }]
}

/**
 * Whoever would get just this may join it before it is known which pool makes it: the same limit, and the same pools, so
 * that nobody is told of the failure of pools to which another reader has narrowed itself.
 */
function beforeFirstToken(generation: Generation, job: GenerationJob, reader: LogReader): LogChoice[] {
  if (generation.isIdle) return []
  const [first] = generation.readers
  if (first === undefined || first.job.allowedPools.join() !== job.allowedPools.join()) return []
  if (generation.log.asked === job.generation.tokenLimit) return [{ reading: 'coalesced', generation }]
  return reader.canContinue && !reader.refresh ? [{ reading: 'wait', generation }] : []
}
