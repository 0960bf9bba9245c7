/** Runs one request in its sequence: reads what is new of the prompt, then draws token after token. */
import { createStopFilter } from '../local/engine/stop-filter.ts'
import type { LlamaSequence, SamplingOptions } from './llama.ts'
import type { LoadedModel } from './model.ts'
import { createTokenText } from './token-text.ts'

export interface GenerationRequest {
  /** At least one token. */
  readonly prompt: readonly number[]
  readonly sampling: SamplingOptions
  readonly maxTokens: number
  readonly stops: readonly string[]
}

/** One token, and where the generation stands with it. */
export interface Step {
  /** May be empty: the end of the answer, a part of a character, or held back for a stop string. */
  readonly text: string
  readonly finish?: 'stop' | 'length'
  readonly counts: Counts
}

export interface Counts {
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly completionTokens: number
  readonly promptMs: number
  readonly completionMs: number
}

/** So many at a time, and between them it is looked whether anyone still waits. */
const PREFILL_TOKENS = 256
const AN_END = { text: '', stop: undefined }

/** Ends early, without a finish, when the signal aborts: at the next token, or the next part of the prompt. */
export async function* generate(
  model: LoadedModel,
  sequence: LlamaSequence,
  request: GenerationRequest,
  signal: AbortSignal,
): AsyncGenerator<Step, void> {
  const { prompt, maxTokens } = request
  const startedMs = performance.now()
  // The last token is always computed: what follows it is not kept.
  await sequence.adaptStateToTokens(prompt.slice(0, -1), false)
  const cachedTokens = sequence.nextTokenIndex
  for (let from = cachedTokens; from < prompt.length - 1; from += PREFILL_TOKENS) {
    if (signal.aborted) return
    const until = Math.min(from + PREFILL_TOKENS, prompt.length - 1)
    await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(from, until))
  }
  const readMs = performance.now()

  const text = createTokenText((tokens) => model.decode(tokens))
  const stops = createStopFilter(request.stops)
  let completionTokens = 0
  for await (const token of sequence.evaluate(prompt.slice(-1), request.sampling)) {
    if (signal.aborted) return
    completionTokens += 1
    const isEnd = model.isEnd(token)
    const { text: passed, stop } = isEnd ? AN_END : stops.push(text.push(token))
    const finish = isEnd || stop !== undefined ? 'stop' : completionTokens >= maxTokens ? 'length' : undefined
    const held = finish === undefined ? '' : stops.flush()
    const completionMs = performance.now() - readMs
    const counts = { promptTokens: prompt.length, cachedTokens, completionTokens, completionMs }
    const step = { text: passed + held, counts: { ...counts, promptMs: readMs - startedMs } }
    yield finish === undefined ? step : { ...step, finish }
    if (finish !== undefined) return
  }
}
