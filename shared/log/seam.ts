/**
 * Joins what a second pool writes to the text of the first, so that the stream stays one: nothing twice, nothing lost,
 * tokens counted on, the prompt counted once.
 */
import type { Frame, Surface, Usage } from './frame.ts'
import type { PartialAnswer } from './continuation.ts'
import { wellFormedPart } from './continuation.ts'
import { usageOf } from './length-cut.ts'

export interface Seam {
  /** The frames of the answer, from the continuing pool's next frame: none while it only repeats. */
  join(frame: Frame): Frame | undefined
  /** The counts of the whole answer, from the continuing pool's; undefined where those of the beginning are not known. */
  count(usage: Usage): Usage | undefined
}

/** A first delta that begins with a text longer than any token is, by what pools send, no model repeating itself. */
const LONGEST_TOKEN_CHARACTERS = 48

/** `before` are the counts of the parts before, of which the first part's prompt counts. */
export function createSeam(surface: Surface, partial: PartialAnswer, before: Usage | undefined): Seam {
  const sent = wellFormedPart(partial.text)
  /** What was shown already of a character that is written again. */
  const shown = partial.text.slice(sent.length)
  let isFirst = true

  function join(frame: Frame): Frame | undefined {
    const counted = countedOn(frame)
    if (frame.text === undefined) return counted
    if (!isFirst) return counted
    if (frame.text === '') return isBeginning(frame) ? undefined : withText(counted, '')
    isFirst = false
    const rest = withoutShown(withoutEcho(frame.text, frame.completionTokens))
    return rest === '' && frame.finishes.length === 0 ? undefined : withText(counted, rest)
  }

  /** What a pool sends before its first token: the role, which the answer has. */
  function isBeginning({ finishes, completionTokens }: Frame): boolean {
    return finishes.length === 0 && (completionTokens ?? 0) === 0
  }

  function countedOn(frame: Frame): Frame {
    if (frame.completionTokens === undefined) return frame
    const { completionTokens, ...rest } = frame
    if (partial.tokens === undefined) return rest
    return { ...rest, completionTokens: partial.tokens + completionTokens }
  }

  /**
   * llama.cpp without its flags sends the text it was given again, in its first delta. The model may repeat itself too, but
   * not in so few tokens.
   */
  function withoutEcho(text: string, tokens: number | undefined): string {
    const isTooMuch =
      tokens === undefined || partial.tokens === undefined
        ? sent.length > LONGEST_TOKEN_CHARACTERS
        : tokens * 2 < partial.tokens
    return sent !== '' && isTooMuch && text.startsWith(sent) ? text.slice(sent.length) : text
  }

  function withoutShown(text: string): string {
    return shown !== '' && text.startsWith(shown) ? text.slice(shown.length) : text
  }

  /** A role was given with the first frame of all; a text that was shortened is written anew. */
  function withText(frame: Frame, text: string): Frame {
    // Members come from the ingest, which has parsed them.
    const event = JSON.parse(frame.members) as { choices: readonly Record<string, unknown>[] }
    const [choice] = event.choices
    const said = surface === 'chat' ? { delta: { content: text } } : { text }
    const members = JSON.stringify({ ...event, choices: [{ ...choice, ...said }] })
    return { ...frame, members, text, hasContent: text !== '' }
  }

  return {
    join,
    count(usage) {
      if (partial.tokens === undefined) return undefined
      const { promptTokens, cachedTokens } = before ?? withoutBeginning(usage, partial.tokens)
      return usageOf({
        promptTokens,
        completionTokens: partial.tokens + usage.completionTokens,
        ...(cachedTokens === undefined ? {} : { cachedTokens }),
      })
    },
  }
}

/**
 * To the pool that goes on, the beginning is a part of the prompt, and of as many tokens as made it: what a model wrote is
 * cut into the same tokens when it is read, but in rare cases.
 */
function withoutBeginning(
  { promptTokens, cachedTokens }: Usage,
  tokens: number,
): Omit<Usage, 'completionTokens' | 'raw'> {
  const asked = Math.max(0, promptTokens - tokens)
  return {
    promptTokens: asked,
    ...(cachedTokens === undefined ? {} : { cachedTokens: Math.min(cachedTokens, asked) }),
  }
}
