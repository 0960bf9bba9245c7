/** Runs one request: waits for its turn, takes the prompt's time, then gives its choices' tokens as they fall due. */
import { observe } from './accounts.ts'
import { createChoices, type Choice, type Choices } from './choices.ts'
import { sleepUntil } from './clock.ts'
import type { Core } from './core.ts'
import type { GenerationRequest } from './generation-request.ts'
import { prefill } from './prefill.ts'
import { createBlockHasher } from './prefix-cache.ts'
import type { Ticket } from './scheduler.ts'
import type { GenerationStep } from './step.ts'
import { interTokenMs } from './timing.ts'

export interface GenerationRun {
  readonly request: GenerationRequest
  readonly ticket: Ticket
  readonly slowFactor: number
  /** A batch ends with this token, even one that finishes, without a finish: something is to happen there. */
  readonly breakAfterTokens: number | undefined
  readonly signal: AbortSignal
  readonly arrivedMs: number
}

/** Tokens that fell due together. */
export interface GenerationBatch {
  readonly cachedTokens: number
  readonly steps: readonly GenerationStep[]
  /** Of all choices so far, these included. */
  readonly generatedTokens: number
  /** Every choice has its finish. */
  readonly isLast: boolean
}

/** Without latency everything is due at once; this many, and sockets get their turn. */
const MAX_BATCH_STEPS = 64

/** Ends early, without a finish, when the signal aborts. Leaves the batch when it is done or returned from. */
export async function* generate(core: Core, run: GenerationRun): AsyncGenerator<GenerationBatch, void> {
  const { settings, accounts, cache, scheduler } = core
  const { request, ticket, signal, slowFactor } = run
  const { clock, timing } = settings
  const sequence = { tokens: request.prompt.length }
  const hasher = createBlockHasher(request.cacheSalt, settings.blockSize)
  let choices: Choices | undefined
  const remember = ({ tokens }: Choice) => {
    if (tokens.length === 0) return
    const own = hasher.fork()
    // The last token was drawn, but never read: it has no place in the cache.
    for (const token of tokens.slice(0, -1)) own.push(token)
    cache.store(own.blocks)
  }
  const leave = () => {
    ticket.leave()
    if (core.sequences.delete(sequence)) choices?.open.forEach(remember)
  }
  try {
    if (!(await ticket.turn)) return
    const begunMs = clock.nowMs()
    observe(accounts.queueTime, begunMs - run.arrivedMs)
    core.sequences.add(sequence)
    accounts.generations += 1

    for (const token of request.prompt) hasher.push(token)
    const cachedTokens = cache.match(hasher.blocks, request.prompt.length)
    const uncachedTokens = request.prompt.length - cachedTokens
    choices = createChoices(core, request)
    accounts.promptTokensCached += cachedTokens
    const readyMs = await prefill(core, { begunMs, uncachedTokens, slowFactor, signal })
    if (readyMs === undefined) return
    cache.store(hasher.blocks)
    observe(accounts.timeToFirstToken, clock.nowMs() - run.arrivedMs)

    let dueMs = readyMs
    let generatedTokens = 0
    if (run.breakAfterTokens === 0) yield { cachedTokens, steps: [], generatedTokens, isLast: false }
    while (!signal.aborted && choices.open.length > 0) {
      const steps: GenerationStep[] = []
      let isBroken = false
      while (steps.length < MAX_BATCH_STEPS && !isBroken && dueMs <= clock.nowMs()) {
        const { step, choice, endsRound } = choices.draw()
        generatedTokens += 1
        sequence.tokens += 1
        accounts.tokensGenerated += 1
        isBroken = generatedTokens === run.breakAfterTokens
        steps.push(isBroken ? withoutFinish(step) : step)
        const gapMs = interTokenMs(timing, { running: scheduler.running(), slowFactor })
        if (endsRound) dueMs += gapMs
        if (step.finish === undefined) {
          observe(accounts.interToken, gapMs)
        } else {
          // Before its last token is given: whoever has read the finish finds the place free and the cache warm.
          remember(choice)
          sequence.tokens -= choice.tokens.length
          if (isBroken) break
          ticket.keep(choices.open.length)
          accounts.endings[step.finish.reason] += 1
        }
        if (choices.open.length === 0) break
      }
      const isLast = choices.open.length === 0 && !isBroken
      if (isLast) {
        observe(accounts.endToEnd, clock.nowMs() - run.arrivedMs)
        leave()
      }
      if (steps.length > 0) yield { cachedTokens, steps, generatedTokens, isLast }
      if (isLast) return
      await sleepUntil(clock, dueMs, signal)
      if (steps.length === MAX_BATCH_STEPS) await clock.yieldToOthers()
    }
  } finally {
    leave()
  }
}

function withoutFinish(step: GenerationStep): GenerationStep {
  const { finish: _, ...rest } = step
  return rest
}
