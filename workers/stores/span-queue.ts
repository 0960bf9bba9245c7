/**
 * Spans on their way to exporters, posted in batches behind requests. Nothing waits for it. What is given up is counted, in the
 * log and in a metric: only an isolate that ends takes spans along without a word, two seconds' worth or what waits to be repeated.
 */
import { increment } from '../../shared/metrics/counts.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import { exportBody } from '../../shared/telemetry/export-body.ts'
import type { Span } from '../../shared/telemetry/span.ts'
import type { ExporterTarget } from '../outgoing/exporter-target.ts'
import { postSpans, type PostFailure } from '../outgoing/post-spans.ts'
import type { Runtime } from '../runtime.ts'
import type { RequestCounts } from './request-counts.ts'

export interface SpanQueue {
  /** Never throws. `from` is where the request was, and `waitUntil` its own. */
  add(
    target: ExporterTarget,
    spans: readonly Span[],
    from: Region,
    waitUntil: (work: Promise<unknown>) => void,
  ): void
}

/** From a batch's first span to its posting. */
export const SPAN_BATCH_MS = 2_000
/** A span has about two kilobytes. */
export const MAX_BATCH_SPANS = 128
/** What one isolate holds for one exporter. */
export const MAX_HELD_SPANS = 1_024
/** Before each attempt. */
const ATTEMPTS_AFTER_MS = [0, 2_000, 5_000]
/** All of the attempts take less; the platform ends work behind a request after 30 s, of which a batch has waited two. */
const OVER_WITHIN_MS = 25_000

interface Batch {
  readonly target: ExporterTarget
  readonly from: Region
  readonly spans: Span[]
  /** Whether it is being posted: then nothing is added to it. */
  isClosed: boolean
  /** Until when whoever is at it is believed to be: work behind a request can end without a word. */
  untilMs: number
}

export function createSpanQueue(runtime: Runtime, counts: Pick<RequestCounts, 'of'>): SpanQueue {
  const batches = new Set<Batch>()

  async function post(batch: Batch): Promise<void> {
    batch.isClosed = true
    batch.untilMs = runtime.now() + OVER_WITHIN_MS
    const body = exportBody(batch.spans)
    let failure: PostFailure = 'unreachable'
    for (const afterMs of ATTEMPTS_AFTER_MS) {
      if (afterMs > 0) await pause(afterMs)
      const posted = await postSpans(batch.target, body, batch.from, runtime)
      if (posted.ok) return over(batch, 'exported')
      failure = posted.error
      if (!isPassing(failure)) break
    }
    over(batch, failure)
  }

  async function postLater(batch: Batch): Promise<void> {
    await pause(SPAN_BATCH_MS)
    if (!batch.isClosed) await post(batch)
  }

  /** Unless another request took it up meanwhile, and is done with it. */
  function over(batch: Batch, outcome: 'exported' | PostFailure): void {
    if (batches.delete(batch)) count(batch.target, batch.from, batch.spans.length, outcome)
  }

  function count(
    { exporter: { id: exporter } }: ExporterTarget,
    from: Region,
    spans: number,
    outcome: 'exported' | 'full' | PostFailure,
  ): void {
    increment(counts.of(from.id), 'mesh_spans_total', { exporter, outcome }, spans)
    if (outcome === 'exported') return
    try {
      runtime.log({ event: 'spans_lost', exporter, spans, why: outcome })
    } catch {
      // A log that is full or gone is not the client's trouble.
    }
  }

  return {
    add(target, spans, from, waitUntil) {
      const nowMs = runtime.now()
      const behind = (work: Promise<void>): void => {
        try {
          waitUntil(work)
        } catch {
          // The request is no more. If its work ends with it, the next request takes it up.
        }
      }
      const own = [...batches].filter((batch) => batch.target === target)
      for (const batch of own) if (nowMs > batch.untilMs) behind(post(batch))
      const held = own.reduce((sum, batch) => sum + batch.spans.length, 0)
      if (held + spans.length > MAX_HELD_SPANS) return count(target, from, spans.length, 'full')
      const open = own.find((batch) => batch.from.id === from.id && !batch.isClosed)
      if (open === undefined) {
        const begun: Batch = {
          target,
          from,
          spans: [...spans],
          isClosed: false,
          untilMs: nowMs + 2 * SPAN_BATCH_MS,
        }
        batches.add(begun)
        behind(postLater(begun))
        return
      }
      open.spans.push(...spans)
      if (open.spans.length >= MAX_BATCH_SPANS) behind(post(open))
    },
  }
}

/** Whether the same post may go well later. */
function isPassing(failure: PostFailure): boolean {
  return failure === 'unavailable' || failure === 'unreachable' || failure === 'timeout'
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
