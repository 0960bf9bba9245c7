/** An answer read from a log shard: its lines in, the relay's steps out. */
import { answerEnd, answerFacts, type AnswerEnd, type AnswerFacts } from '../../shared/log/answer-facts.ts'
import { decodeLog, type KeptLog } from '../../shared/log/document.ts'
import type { Usage } from '../../shared/log/frame.ts'
import { createLineReader, encodeFrameLine, type LogLine } from '../../shared/log/lines.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { isGatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Runtime } from '../runtime.ts'
import type { AnswerSource, AnswerStep } from './answer-source.ts'
import { createStallWatchdog } from './stall-watchdog.ts'

/** What the first line of a shard's stream says: the answer begins, why there will be none, or that the shard makes none. */
export type LogHead =
  | {
      readonly facts: AnswerFacts
      readonly take: string
      /** What is known of the log, for who keeps a copy of what follows. */
      readonly copy?: string
    }
  | { readonly refused: GatewayError }
  /** Too much is being made there, or what was to be read on is not there. */
  | { readonly declined: 'busy' | 'gone' }

export interface LogAnswer {
  readonly facts: AnswerFacts
  readonly take: string
  readonly source: AnswerSource
}

/** Why there is no answer: the request's own failure, or only this shard's. */
export type NoLogAnswer = GatewayError | { readonly reason: 'broken' | 'busy' | 'gone' }

/**
 * A shard writes at least a blank line twice a second while it has nothing to say (see objects/log-stream.ts). One that
 * is silent for ten times as long is lost, whatever its connection says.
 */
const SILENCE_MS = 5000

export interface LogAnswerOptions {
  /** Ends the wait for the head. */
  readonly signal: AbortSignal
  readonly runtime: Pick<Runtime, 'now'>
  /** Gets the log when all of it has been read, where the shard offers that. */
  readonly onCopy?: (kept: KeptLog) => void
}

/** Reads the head of a shard's stream and hands over the rest. */
export async function openLogAnswer(
  stream: ReadableStream<Uint8Array>,
  { signal, runtime, onCopy }: LogAnswerOptions,
): Promise<Result<LogAnswer, NoLogAnswer>> {
  const reader = stream.getReader()
  // One timer for the whole answer, not one for each of its chunks. A read that waits ends with the stream.
  const watchdog = createStallWatchdog({
    idleMs: SILENCE_MS,
    endsByMs: Infinity,
    runtime,
    onCut: () => leave(),
  })
  const decoder = new TextDecoder()
  const lines = createLineReader()
  // Whatever the shard is doing for this reader alone, it stops when the stream is cancelled.
  const leave = (): void => {
    watchdog.stop()
    reader.cancel().catch(() => undefined)
  }
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    for (;;) {
      const chunk = await readChunk()
      if (chunk === undefined) {
        leave()
        return err({ reason: 'broken' })
      }
      const [head, ...rest] = lines.push(decoder.decode(chunk, { stream: true }))
      if (head === undefined) continue
      const parsed = parseHead(head)
      if (parsed === undefined) {
        // Of another version perhaps: it must not go on for a reader who does not understand it.
        leave()
        return err({ reason: 'broken' })
      }
      if ('facts' in parsed) {
        const { facts, take, copy } = parsed
        return ok({ facts, take, source: sourceOf(rest, copy) })
      }
      leave()
      return err('refused' in parsed ? parsed.refused : { reason: parsed.declined })
    }
  } finally {
    signal.removeEventListener('abort', leave)
  }

  function sourceOf(first: readonly LogLine[], copy: string | undefined): AnswerSource {
    let waiting = first
    let hasLeft = false
    let copied = ''
    return {
      async next() {
        for (;;) {
          const step = stepOf(waiting)
          if (copy !== undefined) {
            copied += waiting.map((line) => (line.kind === 'frame' ? encodeFrameLine(line) : '')).join('')
            if (step.outcome === 'completed') keep(copy, copied)
          }
          waiting = []
          if (step.outcome !== undefined) watchdog.stop()
          // Chunks are cut anywhere: counts can come alone, before the end.
          if (step.members.length > 0 || step.usage !== undefined || step.outcome !== undefined) return step
          const chunk = await readChunk()
          if (chunk === undefined) {
            leave()
            // A log whose stream ends without an end line has lost its shard, unless the reader ended it.
            if (hasLeft) return { members: [], outcome: 'client_cancelled' }
            return { members: [], outcome: 'truncated', isLogLost: true }
          }
          waiting = lines.push(decoder.decode(chunk, { stream: true }))
        }
      },
      cancel() {
        hasLeft = true
        leave()
      },
    }
  }

  function keep(about: string, events: string): void {
    const kept = decodeLog(about, events)
    if (kept !== undefined) onCopy?.(kept)
  }

  async function readChunk(): Promise<Uint8Array | undefined> {
    watchdog.waiting()
    try {
      return (await reader.read()).value
    } catch {
      return undefined
    } finally {
      watchdog.arrived()
    }
  }
}

function stepOf(lines: readonly LogLine[]): AnswerStep {
  const members: string[] = []
  let tokens: number | undefined
  let usage: Usage | undefined
  let end: AnswerEnd | undefined
  for (const line of lines) {
    if (line.kind === 'frame') {
      members.push(line.members)
      tokens = line.tokens
    } else if (line.kind === 'usage') usage = line.usage
    else if (line.kind === 'end') end = answerEnd.safeParse(parse(line.json)).data ?? { outcome: 'truncated' }
  }
  return {
    members,
    ...(tokens === undefined ? {} : { tokens }),
    ...(usage && { usage }),
    ...(end && endOf(end)),
  }
}

function endOf({ outcome, pools, events }: AnswerEnd): Pick<AnswerStep, 'outcome' | 'pools' | 'events'> {
  return { outcome, ...(pools && { pools }), ...(events === undefined ? {} : { events }) }
}

function parseHead(line: LogLine): LogHead | undefined {
  if (line.kind !== 'head') return undefined
  const head = parse(line.json)
  if (typeof head !== 'object' || head === null) return undefined
  if ('refused' in head && isGatewayError(head.refused)) return { refused: head.refused }
  if ('declined' in head) return { declined: head.declined === 'busy' ? 'busy' : 'gone' }
  const facts = 'facts' in head ? answerFacts.safeParse(head.facts).data : undefined
  if (facts === undefined || !('take' in head) || typeof head.take !== 'string') return undefined
  return {
    facts,
    take: head.take,
    ...('copy' in head && typeof head.copy === 'string' ? { copy: head.copy } : {}),
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
