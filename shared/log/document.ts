/**
 * A log as it is kept, in a shard's database, in KV or in an isolate's memory: what is known about it, and its events in
 * the lines that are also sent.
 */
import { z } from 'zod'
import { restoreGenerationLog, type GenerationLog, type LogEntry } from './generation-log.ts'
import { createLineReader, encodeFrameLine } from './lines.ts'
import type { LogLife } from './reading.ts'

/** How it came to be made, for the headers of whoever gets it. */
export interface LogOrigin {
  readonly attempts: number
  readonly route: string
  readonly firstTokenMs: number
}

export interface KeptLog {
  readonly log: GenerationLog
  readonly life: LogLife
  readonly origin: LogOrigin
}

const usage = z.object({
  promptTokens: z.number(),
  completionTokens: z.number(),
  cachedTokens: z.number().exactOptional(),
  raw: z.string(),
})
const entry = z.object({
  members: z.string(),
  tokens: z.number().exactOptional(),
  finish: z.string().exactOptional(),
})
const about = z.object({
  summary: z.object({
    surface: z.enum(['chat', 'completions']),
    state: z.enum(['open', 'sealed', 'broken']),
    asked: z.number().exactOptional(),
    finish: z.string().exactOptional(),
    usage: usage.exactOptional(),
    producers: z.array(
      z.object({
        pool: z.string(),
        region: z.string(),
        jurisdiction: z.string(),
        atMs: z.number().exactOptional(),
      }),
    ),
    isPlain: z.boolean(),
    lengthEnds: z.array(
      z.object({
        limit: z.number(),
        events: z.number(),
        finish: z.array(entry),
        usage: usage.exactOptional(),
      }),
    ),
  }),
  life: z.object({
    model: z.string(),
    modelVersion: z.string(),
    createdAtMs: z.number(),
    expiresAtMs: z.number(),
  }),
  origin: z.object({ attempts: z.number(), route: z.string(), firstTokenMs: z.number() }),
  /** Events there are: with fewer, a part is lost. */
  events: z.number(),
  /** Which of them have a finish reason, and which. */
  finishes: z.array(z.tuple([z.number(), z.string()])),
})

/** What is known about a log, as JSON text. */
export function encodeAbout({ log, life, origin }: KeptLog): string {
  const finishes: [number, string][] = []
  for (const [index, { finish }] of entriesFrom(log, 0).entries()) {
    if (finish !== undefined) finishes.push([index, finish])
  }
  return JSON.stringify({ summary: log.summary(), life, origin, events: log.length, finishes })
}

/** The lines of the events from one on. */
export function encodeEvents(log: GenerationLog, from: number): string {
  let lines = ''
  for (const event of entriesFrom(log, from)) lines += encodeFrameLine(event)
  return lines
}

/**
 * Puts together what was kept; undefined for what cannot be read, or is not all there. A log that was open when it was
 * last written has lost its producer since.
 */
export function decodeLog(aboutJson: string, lines: string): KeptLog | undefined {
  const read = about.safeParse(parse(aboutJson)).data
  if (read === undefined) return undefined
  const finishes = new Map(read.finishes)
  const entries: LogEntry[] = []
  for (const line of createLineReader().push(lines)) {
    if (line.kind !== 'frame') return undefined
    const { members, tokens } = line
    const finish = finishes.get(entries.length)
    entries.push({
      members,
      ...(tokens === undefined ? {} : { tokens }),
      ...(finish === undefined ? {} : { finish }),
    })
  }
  if (entries.length !== read.events) return undefined
  const { summary, life, origin } = read
  const state = summary.state === 'open' ? 'broken' : summary.state
  return { log: restoreGenerationLog({ summary: { ...summary, state }, entries }), life, origin }
}

function entriesFrom(log: GenerationLog, from: number): LogEntry[] {
  const entries: LogEntry[] = []
  for (let index = from; index < log.length; index += 1) {
    const event = log.entry(index)
    if (event !== undefined) entries.push(event)
  }
  return entries
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
