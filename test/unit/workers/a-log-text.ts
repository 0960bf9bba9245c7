/** What a shard writes to one reader, and the reading of it. */
import type { AnswerFacts } from '../../../shared/log/answer-facts.ts'
import { encodeEndLine, encodeFrameLine, encodeHeadLine, encodeUsageLine } from '../../../shared/log/lines.ts'
import type { AnswerSource } from '../../../workers/stream/answer-source.ts'
import { openLogAnswer } from '../../../workers/stream/log-answer.ts'
import { must } from './a-dispatch.ts'

export const FACTS: AnswerFacts = {
  outcome: 'hit',
  pool: 'eu-central',
  region: 'eu-central',
  jurisdiction: 'eu',
  attempts: 1,
  route: 'measured 5ms',
  modelVersion: '1',
  createdAtMs: 1,
  firstTokenMs: 5,
}
export const HEAD = encodeHeadLine({ facts: FACTS, take: 'take-1' })
export const USAGE = {
  promptTokens: 5,
  completionTokens: 2,
  raw: '{"prompt_tokens":5,"completion_tokens":2}',
}
export const FRAMES = ['{"choices":["Grüße ✓"]}', '{"choices":["👩‍🚀"]}']
export const LOG =
  HEAD +
  FRAMES.map((members) => encodeFrameLine({ members })).join('') +
  encodeUsageLine(USAGE) +
  encodeEndLine({ outcome: 'completed' })

const runtime = { now: () => Date.now() }
export const stays = () => ({ signal: new AbortController().signal, runtime })
/** How one reads who may leave. */
export const of = ({ signal }: AbortController) => ({ signal, runtime })

export async function open(stream: ReadableStream<Uint8Array>) {
  const opened = await openLogAnswer(stream, stays())
  return must(opened.ok ? opened.value : undefined)
}

export async function readAll(source: AnswerSource) {
  const members: string[] = []
  let usage: unknown
  for (;;) {
    const step = await source.next()
    members.push(...step.members)
    usage = step.usage ?? usage
    if (step.outcome !== undefined) return { members, usage, outcome: step.outcome }
  }
}
