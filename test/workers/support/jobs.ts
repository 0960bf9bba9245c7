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
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'

/** A shard that no other test uses. */
export function aShard() {
  return env.LOG_SHARD.getByName(`test/${crypto.randomUUID()}`)
}

export function aJob(prompt: string, changes: Partial<GenerationJob> = {}): GenerationJob {
  return {
    requestId: 'req_0',
    fingerprint: `fingerprint of ${prompt}`,
    home: { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: false },
    tenant: 'demo',
    keyId: 'k1',
    modelVersion: '1',
    generation: {
      surface: 'chat',
      model: 'story',
      stream: true,
      includeUsage: false,
      body: { messages: [{ role: 'user', content: prompt }], temperature: 0 },
      hints: {},
    },
    cacheSalt: 'salt',
    residency: { arrival: { host: 'edge.test', colo: 'FRA' } },
    allowedPools: ['eu-central', 'us-east', 'ap-southeast'],
    cache: { read: true, onlyIfCached: false, ttlSeconds: 3600 },
    ...changes,
  }
}

/** A job whose answer may be this long. */
export function limitedTo(job: GenerationJob, tokenLimit: number): GenerationJob {
  return { ...job, generation: { ...job.generation, tokenLimit } }
}

export interface ReadLog {
  readonly facts?: AnswerFacts
  readonly refused?: string
  readonly members: readonly string[]
  readonly usage?: Usage
  readonly outcome?: AnswerOutcome
}

/** Reads a shard's stream to its end. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<ReadLog> {
  return parseLog(await new Response(stream).text())
}

export function parseLog(text: string): ReadLog {
  let read: ReadLog = { members: [] }
  for (const line of createLineReader().push(text)) {
    switch (line.kind) {
      case 'head':
        read = { ...read, ...headOf(line.json) }
        break
      case 'frame':
        read = { ...read, members: [...read.members, line.members] }
        break
      case 'usage':
        read = { ...read, usage: line.usage }
        break
      case 'end':
        read = { ...read, outcome: answerEnd.parse(JSON.parse(line.json)).outcome }
        break
    }
  }
  return read
}

function headOf(json: string): Pick<ReadLog, 'facts' | 'refused'> {
  const head = JSON.parse(json) as { facts?: unknown; refused?: { reason: string } }
  return head.refused === undefined
    ? { facts: answerFacts.parse(head.facts) }
    : { refused: head.refused.reason }
}

/** The text of an answer, put together from its frames. */
export function contentOf({ members }: ReadLog): string {
  return members
    .map((json) => JSON.parse(json) as { choices: { delta: { content?: string } }[] })
    .map(({ choices }) => choices[0]?.delta.content ?? '')
    .join('')
}
