/** A generation whose pools a test writes, and readers of it as a shard makes them. */
import type { GatewayError } from '../../../shared/errors.ts'
import type { Frame } from '../../../shared/log/frame.ts'
import { createGenerationLog } from '../../../shared/log/generation-log.ts'
import type { KeptLog } from '../../../shared/log/document.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Candidate, Ranking } from '../../../shared/routing/rank.ts'
import { createGeneration, type Generation, type StartInput } from '../../../workers/objects/generation.ts'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import type { LogReadingJob } from '../../../workers/objects/log-stream.ts'
import type { Produced } from '../../../workers/stages/produce.ts'
import type { PoolStep } from '../../../workers/stream/pool-answer.ts'
import { aGenerationJob } from '../../support/generation-job.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'
import { must, POOLS, type PoolId } from './a-dispatch.ts'
import { aRanking } from './a-ranking.ts'

const CUT: PoolStep = { frames: [], outcome: 'client_cancelled' }

export interface GenerationSetUp {
  readonly generation: Generation
  /** What was asked of the pools, in order. */
  readonly starts: readonly StartInput[]
  /** How each production ended, and what was then of the log. */
  readonly ends: readonly { readonly outcome: string | undefined; readonly state: string }[]
  /** How often it was said that there are new events. */
  readonly events: number
  /** The pool last asked begins to answer. */
  begin(step: PoolStep, pool?: PoolId): Promise<void>
  refuse(error: GatewayError): Promise<void>
  breakDown(): Promise<void>
  /** What the pool's next read brings. */
  say(step: PoolStep): Promise<void>
}

export interface GenerationChanges {
  readonly job?: GenerationJob
  readonly maxBytes?: number
  readonly detachedTokens?: number
  /** One that was there before. */
  readonly kept?: KeptLog
}

export function aGeneration(changes: GenerationChanges = {}): GenerationSetUp {
  const { job = aGenerationJob('a'), maxBytes = 1_000_000, detachedTokens = 1_000_000, kept } = changes
  const starts: StartInput[] = []
  const ends: { outcome: string | undefined; state: string }[] = []
  let events = 0
  let started = Promise.withResolvers<Result<Produced, GatewayError>>()
  let waiting: ((step: PoolStep) => void)[] = []
  let said: PoolStep[] = []

  function anAnswer() {
    let isCut = false
    waiting = []
    said = []
    return {
      next() {
        const step = said.shift()
        if (step !== undefined) return Promise.resolve(step)
        return isCut ? Promise.resolve(CUT) : new Promise<PoolStep>((resolve) => waiting.push(resolve))
      },
      cancel() {
        isCut = true
        waiting.shift()?.(CUT)
      },
    }
  }

  function give(step: PoolStep): void {
    const taker = waiting.shift()
    if (taker === undefined) said.push(step)
    else taker(step)
  }

  const generation = createGeneration({
    take: 'take-1',
    log: kept?.log ?? createGenerationLog('chat', job.generation.tokenLimit),
    ...(kept === undefined ? {} : { kept }),
    start(input) {
      starts.push(input)
      started = Promise.withResolvers()
      return started.promise
    },
    now: () => 1,
    mayContinue: () => true,
    lifeOf: () => ({ model: 'story', modelVersion: '1', createdAtMs: 1, expiresAtMs: 3_600_001 }),
    maxBytes,
    detachedTokens,
    onEvents: () => {
      events += 1
    },
    onEnd: ({ log, outcome }) => ends.push({ outcome, state: log.state }),
  })
  return {
    generation,
    starts,
    ends,
    get events() {
      return events
    },
    async begin(step, pool = 'eu-central') {
      const answer = anAnswer()
      const { ranking, candidate } = candidateOf(pool)
      const dispatched = { candidate, attempts: 1, firstTokenMs: 5, died: new Set<string>() }
      started.resolve(ok({ ranking, dispatched, answer }))
      give(step)
      await settled()
    },
    async refuse(error) {
      started.resolve(err(error))
      await settled()
    },
    async breakDown() {
      started.reject(new Error('a broken invariant'))
      await settled()
    },
    async say(step) {
      give(step)
      await settled()
    },
  }
}

/** Lets everything that can happen now happen: timers are stopped where this is used. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve()
}

/** A frame that adds this text. */
export function frame(text: string, about: { tokens?: number; reason?: string } = {}): Frame {
  const { tokens, reason } = about
  const choice = { index: 0, delta: text === '' ? {} : { content: text }, finish_reason: reason ?? null }
  return {
    members: JSON.stringify({ choices: [choice] }),
    hasContent: text !== '',
    finishes: reason === undefined ? [] : [{ index: 0, reason }],
    ...(tokens === undefined ? {} : { completionTokens: tokens }),
    text,
  }
}

/** Frames of a token each, counted on. */
export function tokens(from: number, to: number): Frame[] {
  return Array.from({ length: to - from }, (_, index) =>
    frame(`t${from + index + 1} `, { tokens: from + index + 1 }),
  )
}

/** The text of tokens. */
export function textOf(from: number, to: number): string {
  return tokens(from, to)
    .map(({ text }) => text)
    .join('')
}

export function candidateOf(pool: PoolId): { ranking: Ranking; candidate: Candidate } {
  const config = aMeshConfig(Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`])))
  const ranking = aRanking(config)
  return {
    ranking,
    candidate: must(
      ranking.ranked.find(
        ({
          placed: {
            pool: { id },
          },
        }) => id === pool,
      ),
    ),
  }
}

/** How a reader from the beginning reads. */
export function readingOf(generation: Generation, changes: Partial<LogReadingJob> = {}): LogReadingJob {
  const allowedPools = new Set(['eu-central', 'us-east', 'ap-southeast'])
  return { generation, allowedPools, events: 0, isExtended: false, rank: 0, maxFollowers: 256, ...changes }
}

/** One that is made for a reader who stays. */
export function begun(changes: GenerationChanges = {}) {
  const { job = aGenerationJob('a') } = changes
  const made = aGeneration(changes)
  const reader = made.generation.join(job)
  const beginning = made.generation.begin(job)
  return { made, reader, beginning }
}

/** Whether the pool that was asked last was left. */
export function isAborted({ starts }: GenerationSetUp): boolean | undefined {
  return starts.at(-1)?.signal.aborted
}
