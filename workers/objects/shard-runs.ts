/**
 * Who reads in a shard, by the name of the run: so that a reader who leaves is let go of, or held for a while where it said
 * that it may come back, and finds its place again when it does.
 */
import type { Generation, Reader } from './generation.ts'
import type { GenerationJob } from './log-shard-rpc.ts'

export interface ShardRunsOptions {
  /** When a client is told the name of its run, if its answer has not begun by then. */
  readonly commitAfterMs: number
  readonly now: () => number
  /** How long a generation goes on for a client that has left. */
  readonly detachedMs: number
  /** Asks the tenant's ledger whether the key may have one more such run. */
  readonly hold: (job: GenerationJob) => Promise<boolean>
  readonly release: (job: GenerationJob) => void
}

export interface ShardRuns {
  attach(run: string): Attachment
  /** Lets go of a run whose client is not coming back. */
  detach(run: string): void
  /** What is over is not held any longer. */
  settle(generation: Generation): void
}

/** One stream to one reader. */
export interface Attachment {
  /** What the same run read before. */
  readonly previous?: { readonly generation: Generation; readonly job: GenerationJob }
  readonly hasLeft: boolean
  /** Makes it one for whom the generation goes on, in place of what it was before. */
  join(generation: Generation, job: GenerationJob): void
  /** The stream is over: it has everything, or its reader is gone. */
  end(why: 'left' | 'done'): void
}

interface Attached {
  readonly generation: Generation
  readonly reader: Reader
  /** While it is held without a client. */
  timer?: ReturnType<typeof setTimeout>
}

export function createShardRuns(options: ShardRunsOptions): ShardRuns {
  const { commitAfterMs, now, detachedMs, hold, release } = options
  const runs = new Map<string, Attached>()

  function letGo(run: string): void {
    const attached = runs.get(run)
    if (attached === undefined) return
    runs.delete(run)
    attached.reader.leave()
    if (attached.timer === undefined) return
    clearTimeout(attached.timer)
    release(attached.reader.job)
  }

  function holdOn(run: string, attached: Attached): void {
    const { reader, generation } = attached
    reader.detachedAtTokens = generation.log.tokens ?? generation.log.length
    const end = (): void => {
      if (runs.get(run) === attached) letGo(run)
    }
    attached.timer = setTimeout(end, detachedMs)
    void hold(reader.job).then((isHeld) => (isHeld ? undefined : end()), end)
  }

  /** Who was never told the name of its run cannot ask for it. */
  function mayComeBack({ reader, generation }: Attached, attachedAtMs: number): boolean {
    if (generation.isIdle || reader.job.comesBack === 'never') return false
    const isNamed = generation.kept !== undefined || now() - attachedAtMs >= commitAfterMs
    return reader.job.comesBack === 'always' || isNamed
  }

  return {
    attach(run) {
      const attachedAtMs = now()
      const before = runs.get(run)
      let own: Attached | undefined
      let hasLeft = false
      function end(why: 'left' | 'done'): void {
        hasLeft = true
        if (own === undefined || runs.get(run) !== own) return
        if (why === 'left' && mayComeBack(own, attachedAtMs)) holdOn(run, own)
        else letGo(run)
      }

      return {
        ...(before === undefined
          ? {}
          : { previous: { generation: before.generation, job: before.reader.job } }),
        get hasLeft() {
          return hasLeft
        },
        join(generation, job) {
          const joined = { generation, reader: generation.join(job) }
          // After the new one has joined: in between the generation must not be left by all.
          letGo(run)
          own = joined
          runs.set(run, own)
          // A reader can leave before it is known what it would have joined.
          if (hasLeft) end('left')
        },
        end,
      }
    },
    detach: letGo,
    settle({ readers }) {
      for (const { job, detachedAtTokens } of readers) if (detachedAtTokens !== undefined) letGo(job.run)
    },
  }
}
