/** Reads an answer as a client saved it, one JSON or an event stream, and makes the digest that a receipt has of it. */
import type { Digests } from '../../shared/fingerprint/fingerprint.ts'
import { isObject } from '../../shared/is-object.ts'
import type { Surface } from '../../shared/log/frame.ts'
import { answerDigest, createAnswerReader } from '../../shared/receipt/answer-digest.ts'
import { createEventReader } from '../../shared/stream/event-reader.ts'
import { parseJson } from './signed.ts'

/** Longer than any answer. */
const MAX_EVENT_CHARS = 1 << 30

/** Undefined where the text is neither. */
export async function digestOfSaved(
  text: string,
  surface: Surface,
  salt: Uint8Array,
  digests: Digests,
): Promise<string | undefined> {
  const whole = parseJson(text)
  if (isObject(whole)) {
    return Array.isArray(whole['choices']) ? answerDigest(whole['choices'], salt, digests) : undefined
  }
  const events = createEventReader(MAX_EVENT_CHARS)
    .push(text)
    .map(({ data }) => ({ data, event: parseJson(data) }))
  const frames = events.filter(({ event }) => isObject(event) && Array.isArray(event['choices']))
  if (events.length === 0) return undefined
  const reader = createAnswerReader(surface)
  // Usage, errors and [DONE] are no part of what was said.
  for (const { data } of frames) reader.add(data)
  return reader.digest(salt, digests)
}
