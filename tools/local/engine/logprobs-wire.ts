/** Log probabilities as vLLM writes them on its two surfaces. The lists of chunks join to those of the whole answer. */
import { logprobsOf } from './logprobs.ts'
import type { GenerationStep } from './step.ts'
import { tokenText } from './tokenizer.ts'

/** The end of a turn is a token too, whose text is empty here. */
export function chatLogprobs(steps: readonly GenerationStep[], count: number): object {
  return {
    content: steps.map((step) => {
      const { logprob, top } = logprobsOf(step, count)
      const ranked = top.map(({ token, logprob: chance }) => withText(token, chance))
      return { ...withText(step.token, logprob), top_logprobs: ranked }
    }),
  }
}

/** Offsets count code points, as Python does, and go on where a stop string holds text back. */
export function completionLogprobs(steps: readonly GenerationStep[], count: number): object {
  const ranked = steps.map((step) => ({ step, ...logprobsOf(step, count) }))
  return {
    text_offset: steps.map(({ offset }) => offset),
    token_logprobs: ranked.map(({ logprob }) => logprob),
    tokens: steps.map(({ token }) => tokenText(token)),
    // The drawn token is always among them, after the likeliest if it is none of them.
    top_logprobs: ranked.map(({ step, logprob, top }) =>
      Object.fromEntries(
        [...top, { token: step.token, logprob }].map((at) => [tokenText(at.token), at.logprob]),
      ),
    ),
  }
}

function withText(token: number, logprob: number): object {
  const text = tokenText(token)
  return { token: text, logprob, bytes: [...Buffer.from(text)] }
}
