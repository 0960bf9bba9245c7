/** The choices of one request: each writes its own text, and they give their tokens in turn, as a batch decodes. */
import type { Core } from './core.ts'
import type { GenerationRequest } from './generation-request.ts'
import { seededRandom } from './random.ts'
import type { Finish, GenerationStep } from './step.ts'
import { createStopFilter, type StopFilter } from './stop-filter.ts'
import { createTokenSource, type TokenSource } from './token-source.ts'
import { SPECIAL_TOKENS, tokenText } from './tokenizer.ts'

export interface Choice {
  /** Drawn so far. */
  readonly tokens: readonly number[]
}

export interface Choices {
  /** Those that are not over, in the order of their turns. */
  readonly open: readonly Choice[]
  /** The next token of the choice whose turn it is. There must be an open one. */
  draw(): Draw
}

export interface Draw {
  readonly step: GenerationStep
  readonly choice: Choice
  /** Every open choice has had its token: the next one is due a latency later. */
  readonly endsRound: boolean
}

export function createChoices(core: Core, request: GenerationRequest): Choices {
  const open = Array.from({ length: request.choices }, (_, index) => beginChoice(core, request, index))
  let at = 0
  return {
    open,
    draw() {
      const choice = open[at]
      if (choice === undefined) throw new Error('every choice is over')
      const step = choice.next()
      if (step.finish === undefined) at += 1
      else open.splice(at, 1)
      const endsRound = at >= open.length
      if (endsRound) at = 0
      return { step, choice, endsRound }
    },
  }
}

interface Writer {
  readonly index: number
  readonly request: GenerationRequest
  readonly source: TokenSource
  readonly filter: StopFilter
}

function beginChoice(core: Core, request: GenerationRequest, index: number) {
  const source = createTokenSource({
    model: core.settings.model,
    prompt: request.prompt,
    grammar: request.grammar,
    ...samplingOf(core, request, index),
  })
  const writer = { index, request, source, filter: createStopFilter(request.stops) }
  const tokens: number[] = []
  let offset = 0
  return {
    tokens,
    next(): GenerationStep {
      const step = nextStep(writer, tokens.length + 1, offset)
      tokens.push(step.token)
      offset += Array.from(tokenText(step.token)).length
      return step
    },
  }
}

/** Seeds as vLLM's, which counts them up. Choices beside a greedy one would repeat it, so they take any word. */
function samplingOf(core: Core, { temperature, seed }: GenerationRequest, index: number) {
  if (temperature === 0) {
    return { temperature: index === 0 ? 0 : Infinity, random: seededRandom((seed ?? 0) + index) }
  }
  return { temperature, random: seed === undefined ? core.random : seededRandom(seed + index) }
}

function nextStep(writer: Writer, completionTokens: number, offset: number): GenerationStep {
  const { index, request, source, filter } = writer
  const drawn = source.next(!request.ignoreEos && completionTokens > request.minTokens)
  const step = { ...drawn, choice: index, completionTokens, offset }
  if (drawn.token === SPECIAL_TOKENS.endOfTurn) {
    return { ...step, text: filter.flush(), finish: { reason: 'stop', stop: null } }
  }
  const text = tokenText(drawn.token)
  // As in vLLM, no stop string ends what is still too short.
  const found = completionTokens < request.minTokens ? { text: filter.flush() + text } : filter.push(text)
  if ('stop' in found && found.stop !== undefined) {
    const finish: Finish = { reason: 'stop', stop: found.stop }
    return { ...step, text: found.text, finish }
  }
  if (completionTokens < request.maxTokens) return { ...step, text: found.text }
  const finish: Finish = { reason: 'length', stop: null }
  return { ...step, text: found.text + filter.flush(), finish }
}
