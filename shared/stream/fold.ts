/** Folds the frames of one generation into the answer that a client who did not ask for a stream gets. */
import type { Frame, Surface, Usage } from '../log/frame.ts'
import { createLogprobsFold, createMessageFold, createTextFold } from './fold-choice.ts'
import { isObject } from '../is-object.ts'
import { keepLast } from './keep-last.ts'

export interface Fold {
  /** Takes the next frame, in order. Throws on members that are not a JSON object: frames come from the ingest. */
  add(frame: Pick<Frame, 'members'>): void
  /** The JSON text of the answer so far. */
  answer(options: AnswerOptions): string
}

export interface AnswerOptions {
  /** `chatcmpl-…` or `cmpl-…`. */
  readonly id: string
  readonly createdSeconds: number
  /** The name under which the client asked for the model. */
  readonly model: string
  /** The pool's own usage object, if it stated one. */
  readonly usage?: Usage
}

interface Choice {
  readonly body: { add(choice: Readonly<Record<string, unknown>>): void; value(): Record<string, unknown> }
  readonly logprobs: ReturnType<typeof createLogprobsFold>
  readonly rest: Map<string, unknown>
  finishReason: string | null
}

const OBJECTS: Readonly<Record<Surface, string>> = { chat: 'chat.completion', completions: 'text_completion' }

/** Members of a choice that are folded; of the others (`stop_reason`, `matched_stop`, …) the last value is kept. */
const FOLDED_MEMBERS: ReadonlySet<string> = new Set(['index', 'delta', 'text', 'logprobs', 'finish_reason'])

/**
 * Makes the fold of one answer: choices by index, texts and tool-call arguments joined, log probabilities
 * concatenated, every other member kept as last stated.
 */
export function createFold(surface: Surface): Fold {
  const choices = new Map<number, Choice>()
  const top = new Map<string, unknown>()

  function choiceAt(index: number): Choice {
    let choice = choices.get(index)
    if (choice === undefined) {
      const body = surface === 'chat' ? createMessageFold() : createTextFold()
      choice = { body, logprobs: createLogprobsFold(), rest: new Map(), finishReason: null }
      choices.set(index, choice)
    }
    return choice
  }

  function addChoice(delta: Readonly<Record<string, unknown>>): void {
    const choice = choiceAt(typeof delta.index === 'number' ? delta.index : 0)
    choice.body.add(delta)
    choice.logprobs.add(delta.logprobs)
    if (typeof delta.finish_reason === 'string' && delta.finish_reason !== '') {
      choice.finishReason = delta.finish_reason
    }
    keepLast(choice.rest, delta, FOLDED_MEMBERS)
  }

  return {
    add({ members }) {
      const event: unknown = JSON.parse(members)
      if (!isObject(event) || !Array.isArray(event.choices)) throw new Error('a frame without choices')
      keepLast(top, event, new Set(['choices']))
      for (const choice of event.choices) if (isObject(choice)) addChoice(choice)
    },
    answer({ id, createdSeconds, model, usage }) {
      const ordered = [...choices].sort(([a], [b]) => a - b)
      const json = JSON.stringify({
        id,
        object: OBJECTS[surface],
        created: createdSeconds,
        model,
        choices: ordered.map(([index, choice]) => ({
          index,
          ...choice.body.value(),
          logprobs: choice.logprobs.value(),
          finish_reason: choice.finishReason,
          ...Object.fromEntries(choice.rest),
        })),
        ...Object.fromEntries(top),
      })
      // The pool's own text: a count is not for us to rewrite.
      return usage === undefined ? json : `${json.slice(0, -1)},"usage":${usage.raw}}`
    },
  }
}
