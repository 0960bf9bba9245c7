/**
 * A pool's answer being read: upstream bytes in, frames out, held to an idle and a total deadline. The edge reads one for
 * itself on the private path; a log shard reads one for all its readers.
 */
import type { AnswerOutcome } from '../../shared/log/answer-facts.ts'
import type { Frame, Usage } from '../../shared/log/frame.ts'
import type { PoolFault } from '../../shared/pool/pool-fault.ts'
import type { Ingest, IngestStep, StreamEnd } from '../../shared/stream/ingest.ts'
import type { Seam } from '../../shared/log/seam.ts'
import type { Candidate } from '../../shared/routing/rank.ts'
import type { Runtime } from '../runtime.ts'
import { createStallWatchdog } from './stall-watchdog.ts'

export interface PoolStep {
  /** Another pool has taken over: it made these frames. */
  readonly takenOverBy?: Candidate
  readonly frames: readonly Frame[]
  /** The counts last stated, running ones too. */
  readonly usage?: Usage
  readonly outcome?: AnswerOutcome
  /** Of an `upstream_error`: why, where the pool said so. */
  readonly fault?: PoolFault
}

export interface PoolAnswer {
  /** What the next upstream read brings: possibly no frame, possibly several. Never rejects. */
  next(): Promise<PoolStep>
  /** Closes the connection to the pool. */
  cancel(): void
}

export interface PoolAnswerOptions {
  readonly body: ReadableStream<Uint8Array>
  readonly ingest: Ingest
  /** Where the pool goes on from what another one left: how the two parts become one. */
  readonly seam?: Seam
  /** Aborting it closes the connection. */
  readonly abort: AbortController
  /** More than this is no answer but a pool that has lost its way. */
  readonly maxBytes: number
  readonly idleMs: number
  /** When the whole answer must be here, milliseconds since the epoch. */
  readonly endsByMs: number
  readonly runtime: Runtime
}

export function readPoolAnswer(options: PoolAnswerOptions): PoolAnswer {
  const { ingest, seam, abort, maxBytes, idleMs, endsByMs, runtime } = options
  const reader = options.body.getReader()
  const decoder = new TextDecoder()
  let cut: AnswerOutcome | undefined
  let receivedBytes = 0

  function cutOff(why: AnswerOutcome): void {
    cut ??= why
    watchdog.stop()
    abort.abort()
  }
  const watchdog = createStallWatchdog({ idleMs, endsByMs, runtime, onCut: cutOff })
  // Aborted by whoever asked: its read fails like that of a broken connection, which would be the pool's fault.
  const leave = (): void => cutOff(isTimeout(abort.signal) ? 'timed_out' : 'client_cancelled')
  if (abort.signal.aborted) leave()
  else abort.signal.addEventListener('abort', leave, { once: true })

  async function next(): Promise<PoolStep> {
    const step = await readOnce()
    if (step.outcome !== undefined) watchdog.stop()
    return step
  }

  async function readOnce(): Promise<PoolStep> {
    watchdog.waiting()
    try {
      const { done, value } = await reader.read()
      if (done) return endOf(ingest.push(decoder.decode()))
      receivedBytes += value.byteLength
      if (receivedBytes > maxBytes) {
        cutOff('upstream_error')
        return { frames: [], outcome: 'upstream_error' }
      }
      return stepOf(ingest.push(decoder.decode(value, { stream: true })))
    } catch {
      // A read fails because we cut it, because the client did, or because the pool's connection broke.
      return cut === undefined || hasAll() ? endOf([]) : { frames: [], outcome: cut }
    } finally {
      watchdog.arrived()
    }
  }

  /** A pool that said everything and then neither ended nor closed has answered. */
  function hasAll(): boolean {
    return cut === 'stalled' && ingest.end().outcome === 'completed'
  }

  function stepOf(steps: readonly IngestStep[]): PoolStep {
    const frames = steps.flatMap((step) => (step.kind === 'frame' ? joined(step.frame) : []))
    const last = steps.at(-1)
    if (last?.kind !== 'end') return { frames, ...counted(ingest.usage()) }
    // Whatever the pool still sends says nothing more.
    void reader.cancel().catch(() => undefined)
    return { frames, ...ending(last.end) }
  }

  function ending({ outcome, usage, fault }: StreamEnd): Omit<PoolStep, 'frames'> {
    return { outcome, ...counted(usage), ...(fault === undefined ? {} : { fault }) }
  }

  function joined(frame: Frame): readonly Frame[] {
    const whole = seam === undefined ? frame : seam.join(frame)
    return whole === undefined ? [] : [whole]
  }

  function counted(usage: Usage | undefined): { usage?: Usage } {
    const whole = usage === undefined || seam === undefined ? usage : seam.count(usage)
    return whole === undefined ? {} : { usage: whole }
  }

  function endOf(steps: readonly IngestStep[]): PoolStep {
    const step = stepOf(steps)
    if (step.outcome !== undefined) return step
    return { frames: step.frames, ...ending(ingest.end()) }
  }

  return { next, cancel: () => cutOff('client_cancelled') }
}

/** Whether a deadline aborted it (`AbortSignal.timeout`), and not a client who left. */
function isTimeout({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}
