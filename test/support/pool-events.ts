/** What a vLLM pool writes: the events of one chat answer, as text. */

/** One event with a piece of the answer. */
export function delta(content: string, index = 0): string {
  return event({ choices: [{ index, delta: { content }, finish_reason: null }] })
}

/** The event that begins an answer and that no client would show. */
export function role(): string {
  return event({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] })
}

export function finish(reason = 'stop', index = 0): string {
  return event({ choices: [{ index, delta: {}, finish_reason: reason }] })
}

export function usage(promptTokens: number, completionTokens: number): string {
  return event({
    choices: [],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  })
}

export const DONE = 'data: [DONE]\n\n'

/** A whole answer of these pieces. */
export function wholeAnswer(...pieces: readonly string[]): string {
  return [role(), ...pieces.map((piece) => delta(piece)), finish(), usage(5, pieces.length), DONE].join('')
}

function event(members: object): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-of-the-pool', object: 'chat.completion.chunk', created: 1, model: 'story-8b', ...members })}\n\n`
}
