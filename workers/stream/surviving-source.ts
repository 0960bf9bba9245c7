/**
 * A log's answer that survives the loss of its shard: read on from the log where it has what the reader has had, else
 * finished by a pool from the reader's own text, for this reader alone.
 */
import { hasFinish, plainTextOfEvent, plainTextOfEvents } from '../../shared/log/plain-text.ts'
import type { Surface, Usage } from '../../shared/log/frame.ts'
import type { BegunAnswer } from '../outgoing/ask-pool.ts'
import type { AnswerSource, AnswerStep } from './answer-source.ts'

export interface SurvivalOptions {
  readonly surface: Surface
  /** Whether a pool may go on from the text of the answer. */
  readonly mayContinue: boolean
  /** More than this is not held for it. */
  readonly maxCharacters: number
  /** Called when the log is first lost, with the tokens that its reader has had, as far as they are known. */
  readonly onLost?: (tokens: number) => void
  /** Reads the same log on from so many events; undefined where it does not have them. */
  readonly readOn: (events: number) => Promise<AnswerSource | undefined>
  /** Has a pool go on; undefined where none does. */
  readonly goOn: (begun: BegunAnswer) => Promise<AnswerSource | undefined>
}

export function survivingSource(first: AnswerSource, options: SurvivalOptions): AnswerSource {
  let current = first
  let events = 0
  let held: string[] | undefined = options.mayContinue ? [] : undefined
  let heldCharacters = 0
  let tokens: number | undefined
  let usage: Usage | undefined
  let hasLeft = false
  let losses = 0

  function note(step: AnswerStep): void {
    events += step.members.length
    // Text without a count makes the one before it wrong.
    if (step.members.length > 0) tokens = step.tokens
    usage = step.usage ?? usage
    for (const members of held === undefined ? [] : step.members) {
      held?.push(members)
      heldCharacters += members.length
    }
    if (heldCharacters > options.maxCharacters) held = undefined
  }

  async function survive(): Promise<AnswerSource | undefined> {
    losses += 1
    if (losses === 1) options.onLost?.(tokens ?? events)
    // Once the log again; a shard that is lost twice is left alone.
    const again = losses === 1 ? await options.readOn(events) : undefined
    if (again !== undefined || hasLeft) return again
    const last = held?.at(-1)
    if (last !== undefined && hasFinish(last)) return finished()
    const text = held === undefined ? undefined : plainTextOfEvents(options.surface, held)
    if (text === undefined) return undefined
    return options.goOn({
      text,
      ...(tokens === undefined ? {} : { tokens: Math.max(0, tokens - notShown()) }),
      ...(usage === undefined ? {} : { usage }),
    })
  }

  /** Tokens at the end that show nothing yet, such as the bytes of half a character: they are written again. */
  function notShown(): number {
    const last = held?.findLastIndex((members) => plainTextOfEvent(options.surface, members) !== '') ?? -1
    return (held?.length ?? 0) - 1 - last
  }

  /** The reader has had all of it but the end line. */
  function finished(): AnswerSource {
    return {
      next: () => Promise.resolve({ members: [], outcome: 'completed', ...(usage && { usage }) }),
      cancel: () => undefined,
    }
  }

  return {
    async next() {
      for (;;) {
        const step = await current.next()
        note(step)
        if (step.isLogLost !== true || hasLeft) return step
        const next = await survive()
        if (hasLeft) {
          next?.cancel()
          return { members: step.members, outcome: 'client_cancelled' }
        }
        if (next === undefined) return step
        current = next
        if (step.members.length > 0) return { members: step.members }
      }
    },
    cancel() {
      hasLeft = true
      current.cancel()
    },
  }
}
