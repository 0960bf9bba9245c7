/** Jobs for log shards, and what their streams say. */
import { env } from 'cloudflare:workers'
import {
  answerEnd,
  answerFacts,
  type AnswerFacts,
  type AnswerOutcome,
} from '../../../shared/log/answer-facts.ts'
import type { Usage } from '../../../shared/log/frame.ts'
import { createLineReader } from '../../../shared/log/lines.ts'
import type { GenerationJob, ResumeJob } from '../../../workers/objects/log-shard-rpc.ts'
import { createVault } from '../../../workers/vault/vault.ts'
import { aGenerationJob } from '../../support/generation-job.ts'

export { cachedAs, limitedTo } from '../../support/generation-job.ts'

/** As bound in vitest.config.ts. */
const MASTER_SECRET = 'test encryption secret of 32 bytes or more'

/** The key of an epoch, as a ledger hands it out; another one is what there is after a purge. */
export function anEpochKey(): Promise<string> {
  return createVault({ current: new TextEncoder().encode(MASTER_SECRET) }).newWrappedKey('test')
}

const EPOCH_KEY = await anEpochKey()

/** A shard that no other test uses. */
export function aShard() {
  return env.LOG_SHARD.getByName(`test/${crypto.randomUUID()}`)
}

/** Of a run of its own. */
export function aJob(prompt: string, changes: Partial<GenerationJob> = {}): GenerationJob {
  return aGenerationJob(prompt, { run: crypto.randomUUID(), wrappedKey: EPOCH_KEY, ...changes })
}

/** The same reader, who comes back after so many events. */
export function comingBack(job: GenerationJob, events: number, changes: Partial<ResumeJob> = {}): ResumeJob {
  const { run, fingerprint, wrappedKey, home, tenant, keyId, allowedPools, generation, residency } = job
  return {
    run,
    fingerprint,
    wrappedKey,
    home,
    tenant,
    keyId,
    model: generation.model,
    residency: [residency],
    allowedPools,
    events,
    ...(generation.tokenLimit === undefined ? {} : { limit: generation.tokenLimit }),
    ...changes,
  }
}

export interface ReadLog {
  readonly facts?: AnswerFacts
  /** The log that it is read from. */
  readonly take?: string
  readonly copy?: string
  readonly refused?: string
  readonly declined?: string
  readonly members: readonly string[]
  readonly tokens: readonly (number | undefined)[]
  readonly usage?: Usage
  readonly outcome?: AnswerOutcome
  readonly pools?: readonly string[]
  /** Events of the whole answer. */
  readonly events?: number
}

/** Reads a shard's stream to its end. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<ReadLog> {
  return parseLog(await new Response(stream).text())
}

export function parseLog(text: string): ReadLog {
  let read: ReadLog = { members: [], tokens: [] }
  for (const line of createLineReader().push(text)) {
    switch (line.kind) {
      case 'head':
        read = { ...read, ...headOf(line.json) }
        break
      case 'frame':
        read = {
          ...read,
          members: [...read.members, line.members],
          tokens: [...read.tokens, line.tokens],
        }
        break
      case 'usage':
        read = { ...read, usage: line.usage }
        break
      case 'end':
        read = { ...read, ...endOf(line.json) }
        break
    }
  }
  return read
}

function endOf(json: string): Pick<ReadLog, 'outcome' | 'pools' | 'events'> {
  const { outcome, pools, events } = answerEnd.parse(JSON.parse(json))
  return { outcome, ...(pools && { pools }), ...(events === undefined ? {} : { events }) }
}

function headOf(json: string): Partial<ReadLog> {
  // As the shard encodes it.
  const head = JSON.parse(json) as {
    facts?: unknown
    take?: string
    copy?: string
    refused?: { reason: string }
    declined?: string
  }
  if (head.refused !== undefined) return { refused: head.refused.reason }
  if (head.declined !== undefined) return { declined: head.declined }
  return {
    facts: answerFacts.parse(head.facts),
    ...(head.take && { take: head.take }),
    ...(head.copy && { copy: head.copy }),
  }
}

/** A stream that is read as far as a test says. */
export function reading(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  async function next(): Promise<boolean> {
    const { done, value } = await reader.read()
    text += decoder.decode(value, { stream: true })
    return !done
  }
  return {
    get read() {
      return parseLog(text)
    },
    /** Until so many events are here; false if there are not so many. */
    async upTo(events: number): Promise<boolean> {
      while (parseLog(text).members.length < events) if (!(await next())) return false
      return true
    },
    async toEnd(): Promise<ReadLog> {
      while (await next());
      return parseLog(text)
    },
    leave: () => reader.cancel(),
  }
}

/** The text of an answer, put together from its frames. */
export function contentOf({ members }: Pick<ReadLog, 'members'>): string {
  return members
    .map((json) => JSON.parse(json) as { choices: { delta: { content?: string } }[] })
    .map(({ choices }) => choices[0]?.delta.content ?? '')
    .join('')
}

/** Finish reasons, in order. */
export function finishesOf({ members }: Pick<ReadLog, 'members'>): string[] {
  return members
    .map((json) => JSON.parse(json) as { choices: { finish_reason?: string | null }[] })
    .flatMap(({ choices }) => choices[0]?.finish_reason ?? [])
}
