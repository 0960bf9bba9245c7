/** Runs one generation: waits for its turn, takes the prompt's time, then gives tokens as they fall due. */
import { observe } from './accounts.ts'
import { sleepUntil } from './clock.ts'
import type { Core } from './core.ts'
import { createBlockHasher } from './prefix-cache.ts'
import { seededRandom } from './random.ts'
import type { Ticket } from './scheduler.ts'
import { createStopFilter, type StopFilter } from './stop-filter.ts'
import { interTokenMs, timeToFirstTokenMs, type Load } from './timing.ts'
import { createTokenSource, type TokenSource } from './token-source.ts'
import { SPECIAL_TOKENS, tokenText } from './tokenizer.ts'

export interface GenerationRequest {
  readonly prompt: readonly number[]
  readonly cacheSalt: string | undefined
  /** At least 1, and with the prompt within the context. */
  readonly maxTokens: number
  readonly minTokens: number
  readonly temperature: number
  readonly seed: number | undefined
  readonly stops: readonly string[]
  readonly ignoreEos: boolean
}

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
}

/** One token. Its text may be empty: the end of a turn, or held back for a stop string. */
export interface GenerationStep {
  readonly token: number
  readonly text: string
  /** Tokens so far, this one included. */
  readonly completionTokens: number
  readonly finish?: Finish
}

export interface Finish {
  readonly reason: 'stop' | 'length'
  readonly stop: string | null
}

/** Without latency everything is due at once; this many, and sockets get their turn. */
const MAX_BATCH_STEPS = 64

/** Ends early, without a finish, when the signal aborts. Leaves the batch when it is done or returned from. */
export async function* generate(core: Core, run: GenerationRun): AsyncGenerator<GenerationBatch, void> {
  const { settings, accounts, cache, scheduler } = core
  const { request, ticket, signal } = run
  const { clock, timing } = settings
  const sequence = { tokens: request.prompt.length }
  const load = (): Load => ({ running: scheduler.running(), slowFactor: run.slowFactor })
  const hasher = createBlockHasher(request.cacheSalt, settings.blockSize)
  const generated: number[] = []
  const leave = () => {
    ticket.leave()
    if (!core.sequences.delete(sequence) || generated.length === 0) return
    // The last token was drawn, but never read: it has no place in the cache.
    for (const token of generated.slice(0, -1)) hasher.push(token)
    cache.store(hasher.blocks)
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
    const prefillMs = timeToFirstTokenMs(timing, uncachedTokens, load())
    const steps = createSteps(core, request)
    accounts.promptTokensCached += cachedTokens
    await sleepUntil(clock, begunMs + prefillMs, signal)
    if (signal.aborted) {
      // The part of the prompt that was computed for nothing.
      const done = Math.min(1, (clock.nowMs() - begunMs) / prefillMs)
      accounts.promptTokensComputed += Number.isFinite(done)
        ? Math.floor(done * uncachedTokens)
        : uncachedTokens
      return
    }
    accounts.promptTokensComputed += uncachedTokens
    cache.store(hasher.blocks)
    observe(accounts.prefillTime, clock.nowMs() - begunMs)
    observe(accounts.timeToFirstToken, clock.nowMs() - run.arrivedMs)

    if (run.breakAfterTokens === 0) yield { cachedTokens, steps: [] }
    let dueMs = begunMs + prefillMs
    while (!signal.aborted) {
      const batch: GenerationStep[] = []
      while (batch.length < MAX_BATCH_STEPS && dueMs <= clock.nowMs()) {
        const drawn = steps.next()
        const isBreak = drawn.completionTokens === run.breakAfterTokens
        const step = isBreak ? withoutFinish(drawn) : drawn
        batch.push(step)
        generated.push(step.token)
        sequence.tokens += 1
        accounts.tokensGenerated += 1
        const gapMs = interTokenMs(timing, load())
        if (step.finish !== undefined) break
        observe(accounts.interToken, gapMs)
        dueMs += gapMs
        if (isBreak) break
      }
      const finish = batch.at(-1)?.finish
      if (finish !== undefined) {
        accounts.endings[finish.reason] += 1
        observe(accounts.endToEnd, clock.nowMs() - run.arrivedMs)
        // Before the last batch is given: whoever has read the finish finds the place free and the cache warm.
        leave()
      }
      if (batch.length > 0) yield { cachedTokens, steps: batch }
      if (finish !== undefined) return
      await sleepUntil(clock, dueMs, signal)
      if (batch.length === MAX_BATCH_STEPS) await clock.yieldToOthers()
    }
  } finally {
    leave()
  }
}

function withoutFinish({ token, text, completionTokens }: GenerationStep): GenerationStep {
  return { token, text, completionTokens }
}

function createSteps(core: Core, request: GenerationRequest): { next(): GenerationStep } {
  const source = createTokenSource({
    model: core.settings.model,
    prompt: request.prompt,
    temperature: request.temperature,
    random: request.seed === undefined ? core.random : seededRandom(request.seed),
  })
  const filter = createStopFilter(request.stops)
  let completionTokens = 0
  return {
    next() {
      completionTokens += 1
      return nextStep({ request, source, filter, completionTokens })
    },
  }
}

function nextStep(at: {
  readonly request: GenerationRequest
  readonly source: TokenSource
  readonly filter: StopFilter
  readonly completionTokens: number
}): GenerationStep {
  const { request, source, filter, completionTokens } = at
  const token = source.next(!request.ignoreEos && completionTokens > request.minTokens)
  if (token === SPECIAL_TOKENS.endOfTurn) {
    return { token, text: filter.flush(), completionTokens, finish: { reason: 'stop', stop: null } }
  }
  // As in vLLM, no stop string ends what is still too short.
  const found =
    completionTokens < request.minTokens
      ? { text: filter.flush() + tokenText(token) }
      : filter.push(tokenText(token))
  if ('stop' in found && found.stop !== undefined) {
    const finish: Finish = { reason: 'stop', stop: found.stop }
    return { token, text: found.text, completionTokens, finish }
  }
  if (completionTokens < request.maxTokens) return { token, text: found.text, completionTokens }
  const finish: Finish = { reason: 'length', stop: null }
  return { token, text: found.text + filter.flush(), completionTokens, finish }
}
