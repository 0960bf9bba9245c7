/** Runs of a shard, of generations that are nothing but read. */
import type { Generation, Reader } from '../../../workers/objects/generation.ts'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import { createShardRuns } from '../../../workers/objects/shard-runs.ts'
import { aGenerationJob } from '../../support/generation-job.ts'

export const DETACHED_MS = 300_000
export const COMMIT_AFTER_MS = 5000
export const STAYS = aGenerationJob('a', { run: 'r1', comesBack: 'once_begun' })
export const STAYS_ALWAYS = aGenerationJob('a', { run: 'r1', comesBack: 'always' })
export const GOES = aGenerationJob('a', { run: 'r1' })

interface About {
  readonly tokens?: number | undefined
  readonly length?: number
  readonly hasBegun?: boolean
}

/** Of a generation, runs need who reads it, how far it is, whether it has begun, and whether it is over. */
export function aRunningGeneration(about: About = {}) {
  const { tokens, length, hasBegun } = { tokens: 3, length: 4, hasBegun: true, ...about }
  const readers = new Set<Reader>()
  const generation = {
    readers,
    isIdle: false,
    kept: hasBegun ? {} : undefined,
    log: { tokens, length },
    join(job: GenerationJob) {
      const reader: Reader = {
        job,
        leave: () => void readers.delete(reader),
      }
      readers.add(reader)
      return reader
    },
  }
  return Object.assign(generation as unknown as Generation & { isIdle: boolean }, {
    end: () => void (generation.isIdle = true),
  })
}

export function runsOfAShard(hold: (job: GenerationJob) => Promise<boolean> = () => Promise.resolve(true)) {
  const held: string[] = []
  const released: string[] = []
  const runs = createShardRuns({
    commitAfterMs: COMMIT_AFTER_MS,
    now: () => Date.now(),
    detachedMs: DETACHED_MS,
    hold(job) {
      held.push(job.run)
      return hold(job)
    },
    release: ({ run }) => released.push(run),
  })
  return { runs, held, released }
}

/** A reader who has joined. */
export function joined(shard: ReturnType<typeof runsOfAShard>, generation: Generation, job: GenerationJob) {
  const attachment = shard.runs.attach(job.run)
  attachment.join(generation, job)
  return attachment
}
