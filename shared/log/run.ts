/**
 * A run: one reader's attachment to a log. Its id carries where the log is and what the reader asked for, so that nothing is
 * stored for a reader who never comes back; the caller authenticates it, so that a forged one touches nothing.
 */
import { z } from 'zod'

const run = z.object({
  /** Random: makes the id unguessable, and names the reader inside a shard. */
  nonce: z.string(),
  surface: z.enum(['chat', 'completions']),
  model: z.string(),
  fingerprint: z.string(),
  /** Keyed digest of what was asked, for the receipt of who comes back. */
  asked: z.string(),
  /** Of the tenant: a purge ends what was made before it. */
  epoch: z.number(),
  /** Absent where the reader was answered before it was known. */
  take: z.string().exactOptional(),
  /** Region id of the log's home. */
  home: z.string(),
  shard: z.number(),
  limit: z.number().exactOptional(),
  includeUsage: z.boolean(),
  createdSeconds: z.number(),
  /** What the first request narrowed itself to. */
  narrow: z.array(z.string()).exactOptional(),
  dataClass: z.string().exactOptional(),
  /** What it said in the headers that rules ask about. */
  headers: z.record(z.string(), z.string().nullable()).exactOptional(),
})

export type Run = Readonly<z.output<typeof run>>

/** The text that stands for a run; `parseRun` reads it. */
export function encodeRun(value: Run): string {
  return JSON.stringify(value)
}

/** Undefined for anything that is not such a text. */
export function parseRun(text: string): Run | undefined {
  try {
    return run.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
