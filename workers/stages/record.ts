/**
 * Last stage: one structured line per request, after the answer, and what its tenant's audit log is to have of it. It holds codes, counts, names from the config and times:
 * nothing of a prompt, an answer, a key, a URL or an exception. It can never fail a request.
 */
import type { ErrorReason } from '../../shared/errors.ts'
import type { AnswerFacts, AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { UsageEntry } from '../../shared/ledger/usage.ts'
import type { Surface, Usage } from '../../shared/log/frame.ts'
import type { Common, Fingerprinted, Incoming } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { countRecord } from './count-record.ts'
import { exportRecord } from './export-record.ts'
import { settleRequest } from './settle-request.ts'

export interface RequestRecord {
  /** As wide as the request came: what is not known is left out. */
  readonly context: Common<Incoming> & { readonly surface: Surface | 'embeddings' } & Partial<
      Omit<Fingerprinted, keyof Incoming>
    >
  readonly status: number
  readonly error?: ErrorReason
  readonly facts?: Pick<AnswerFacts, 'outcome'> & Partial<AnswerFacts>
  readonly end?: {
    readonly outcome: AnswerOutcome
    readonly usage?: Omit<Usage, 'raw'>
    readonly pools?: readonly string[]
  }
  /** When the answer had begun, at the edge. */
  readonly begunAtMs?: number
  readonly batch?: BatchRecord
  /** Whether the client came back to an answer. */
  readonly isResumed?: boolean
  /** Usage of the request beyond that of one answer. */
  readonly more?: readonly UsageEntry[]
}

/** Of an embeddings request. */
interface BatchRecord {
  readonly inputs: number
  /** Different ones. */
  readonly items: number
  /** Items that nobody had to make. */
  readonly known: number
  /** Why the cache was not asked. */
  readonly detail?: string
}

export function record(entry: RequestRecord, edge: Edge): void {
  const { context, facts, end, batch } = entry
  const settled = settleRequest(entry, edge)
  const nowMs = edge.runtime.now()
  countRecord(entry, settled, edge)
  try {
    edge.runtime.log({
      event: 'request',
      at: new Date(context.receivedAtMs).toISOString(),
      request_id: context.requestId,
      surface: context.surface,
      status: entry.status,
      outcome: end?.outcome ?? entry.error ?? 'completed',
      error: entry.error,
      tenant: context.tenant?.id,
      key: context.keyId,
      // A model name is the client's text until it is found among the config's.
      model: context.model?.id,
      model_version: context.modelVersion,
      colo: context.arrival.colo,
      edge_region: context.edgeRegion?.id,
      config: context.configVersion,
      stream: context.generation?.stream,
      body_bytes: context.bodyBytes,
      rules: context.placement?.rules,
      cache: facts?.outcome,
      cache_detail: context.sharing?.kind === 'private' ? context.sharing.detail : batch?.detail,
      inputs: batch?.inputs,
      items: batch?.items,
      known: batch?.known,
      pool: facts?.pool,
      attempts: facts?.attempts,
      route: facts?.route,
      prompt_tokens: end?.usage?.promptTokens,
      cached_tokens: end?.usage?.cachedTokens,
      completion_tokens: end?.usage?.completionTokens,
      cost_microdollars: settled?.microdollars,
      saved_microdollars: settled?.savedMicrodollars,
      first_token_ms: facts?.firstTokenMs,
      total_ms: nowMs - context.receivedAtMs,
    })
  } catch {
    // A log that is full or gone is not the client's trouble.
  }
  edge.trail.note(entry)
  exportRecord(entry, edge)
}
