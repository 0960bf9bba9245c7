/** An answer read from a log shard: its lines in, the relay's steps out. */
import {
  answerEnd,
  answerFacts,
  type AnswerFacts,
  type AnswerOutcome,
} from '../../shared/log/answer-facts.ts'
import type { Usage } from '../../shared/log/frame.ts'
import { createLineReader, type LogLine } from '../../shared/log/lines.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { isGatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { AnswerSource, AnswerStep } from './answer-source.ts'

/** What the first line of a shard's stream says: the answer begins, or why there will be none. */
export type LogHead = { readonly facts: AnswerFacts } | { readonly refused: GatewayError }

/**
 * Reads the head of a shard's stream and hands over the rest. `signal` ends the wait for the head.
 * Fails with the shard's refusal, or with `broken` where the stream ended without a head.
 */
export async function openLogAnswer(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<
  Result<{ facts: AnswerFacts; source: AnswerSource }, GatewayError | { readonly reason: 'broken' }>
> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  const lines = createLineReader()
  // Whatever the shard is doing for this reader alone, it stops when the stream is cancelled.
  const leave = (): void => void reader.cancel().catch(() => undefined)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    for (;;) {
      const chunk = await readChunk(reader)
      if (chunk === undefined) return err({ reason: 'broken' })
      const [head, ...rest] = lines.push(decoder.decode(chunk, { stream: true }))
      if (head === undefined) continue
      const parsed = parseHead(head)
      if (parsed === undefined) {
        // Of another version perhaps: it must not go on for a reader who does not understand it.
        leave()
        return err({ reason: 'broken' })
      }
      if ('refused' in parsed) return err(parsed.refused)
      return ok({ facts: parsed.facts, source: sourceOf(rest) })
    }
  } finally {
    signal.removeEventListener('abort', leave)
  }

  function sourceOf(first: readonly LogLine[]): AnswerSource {
    let waiting = first
    let hasLeft = false
    return {
      async next() {
        for (;;) {
          const step = stepOf(waiting)
          waiting = []
          // Chunks are cut anywhere: counts can come alone, before the end.
          if (step.members.length > 0 || step.usage !== undefined || step.outcome !== undefined) return step
          const chunk = await readChunk(reader)
          // A log whose stream ends without an end line has lost its shard, unless the reader ended it.
          if (chunk === undefined) return { members: [], outcome: hasLeft ? 'client_cancelled' : 'truncated' }
          waiting = lines.push(decoder.decode(chunk, { stream: true }))
        }
      },
      cancel() {
        hasLeft = true
        leave()
      },
    }
  }
}

function stepOf(lines: readonly LogLine[]): AnswerStep {
  const members: string[] = []
  let usage: Usage | undefined
  let outcome: AnswerOutcome | undefined
  for (const line of lines) {
    if (line.kind === 'frame') members.push(line.members)
    else if (line.kind === 'usage') usage = line.usage
    else if (line.kind === 'end') outcome = answerEnd.safeParse(parse(line.json)).data?.outcome ?? 'truncated'
  }
  return { members, ...(usage && { usage }), ...(outcome && { outcome }) }
}

function parseHead(line: LogLine): LogHead | undefined {
  if (line.kind !== 'head') return undefined
  const head = parse(line.json)
  if (typeof head !== 'object' || head === null) return undefined
  if ('refused' in head && isGatewayError(head.refused)) return { refused: head.refused }
  const facts = 'facts' in head ? answerFacts.safeParse(head.facts).data : undefined
  return facts === undefined ? undefined : { facts }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

async function readChunk(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value
  } catch {
    return undefined
  }
}
