/** What there is of an answer in a log, as it is given to a pool that goes on from it. */
import { wellFormedPart, type PartialAnswer } from './continuation.ts'
import type { GenerationLog } from './generation-log.ts'
import { plainTextOfEvent } from './plain-text.ts'

/**
 * The text so far, and the tokens that made it. Undefined where there is none, or more than text, where a part was dropped,
 * or where it had ended when its pool was lost. A pool that goes on from a text makes again whatever the text does not show:
 * bytes of a character that was not complete. The tokens of these do not count.
 */
export function beginningOf(log: GenerationLog): PartialAnswer | undefined {
  const hasEnded = log.state === 'broken' && log.finish !== undefined
  if (!log.isPlain || log.firstKept > 0 || hasEnded) return undefined
  let text = ''
  let tokens: number | undefined
  for (let index = 0; index < log.length; index += 1) {
    const entry = log.entry(index)
    const piece = entry && plainTextOfEvent(log.surface, entry.members)
    if (piece === undefined) return undefined
    if (piece !== '') tokens = entry?.tokens
    text += piece
  }
  if (text === '') return undefined
  if (tokens === undefined && log.state === 'sealed') tokens = log.usage?.completionTokens
  const half = text.length - wellFormedPart(text).length
  return { text, ...(tokens === undefined ? {} : { tokens: tokens - half }) }
}
