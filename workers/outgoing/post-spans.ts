/** One post of spans to an exporter, and what came of it. */
import type { Region } from '../../shared/schema/mesh.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Runtime } from '../runtime.ts'
import { callOut, type CallFailure } from './call.ts'
import type { ExporterTarget } from './exporter-target.ts'

export type PostFailure =
  | Exclude<CallFailure, 'cancelled'>
  /** It will not take them later either. */
  | 'refused'
  /** It may take them later. */
  | 'unavailable'

const ANSWER_WITHIN_MS = 5_000
/** Statuses after which the same may be sent again (OTLP specification, "Failures" of OTLP/HTTP). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** Never rejects. What the exporter answers is not read. */
export async function postSpans(
  { exporter, host, headers }: ExporterTarget,
  body: string,
  from: Region,
  runtime: Runtime,
): Promise<Result<undefined, PostFailure>> {
  const answer = await callOut(
    {
      url: exporter.url,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      allowedHosts: new Set([host]),
      headersWithinMs: ANSWER_WITHIN_MS,
      abort: new AbortController(),
      from,
    },
    runtime,
  )
  if (!answer.ok) return err(answer.error === 'cancelled' ? 'unreachable' : answer.error)
  const { status, body: text } = answer.value
  await text?.cancel().catch(() => undefined)
  if (status >= 200 && status < 300) return ok(undefined)
  return err(RETRYABLE.has(status) ? 'unavailable' : 'refused')
}
