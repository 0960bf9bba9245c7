/** The body of an answer that follows its run from connection to connection until `[DONE]`. */
import { cutEvents } from './whole-events.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** An attempt to resume that is about to be made. */
export interface Resume {
  readonly run: string
  /** How many events have arrived so far. */
  readonly from: number
  /** 1 for the first since an event last arrived. */
  readonly attempt: number
  /** What ended the connection before it. */
  readonly cause: unknown
}

export interface Settings {
  readonly fetch: Fetch
  /** Attempts in a row that may bring no event. */
  readonly maxResumes: number
  /** The longest wait before each attempt of a row; the last one holds for all that follow. */
  readonly backoffMs: readonly number[]
  /** Whether a wait is drawn from between 0 and its longest, so that clients do not all come back at once. */
  readonly jitter: boolean
  readonly onResume: ((resume: Resume) => void) | undefined
}

export interface Run {
  readonly id: string
  /** Where it is resumed and let go of. */
  readonly url: string
  /** What every request about the run is sent with. */
  readonly init: RequestInit
  /** The caller's. */
  readonly signal: AbortSignal | undefined
}

/** Far more than any event of a mesh: what is longer is no event stream, and not worth the memory. */
const MAX_EVENT_BYTES = 1024 * 1024
/** A mesh never asks for more. */
const MAX_RETRY_AFTER_SECONDS = 60
/** Nobody waits for it, but an open request keeps some runtimes from ending. */
const LET_GO_TIMEOUT_MS = 10_000

/**
 * Hands on whole events only, so that each comes once whatever becomes of the connections. If the run cannot be resumed,
 * the body fails with what broke it. However it ends without `[DONE]`, the mesh is told that nobody reads the run.
 */
export function resumingBody(
  first: ReadableStream<Uint8Array>,
  run: Run,
  settings: Settings,
): ReadableStream<Uint8Array> {
  const events = cutEvents()
  const over = new AbortController()
  let reader = first.getReader()
  let attempts = 0

  /** The next bytes of the run, over a new connection if need be; undefined behind `[DONE]`. */
  async function read(): Promise<Uint8Array | undefined> {
    for (;;) {
      let cause: unknown
      try {
        const { done, value } = await reader.read()
        if (!done) return value
        cause = new Error('The stream ended before [DONE].')
      } catch (error) {
        cause = error
      }
      if (events.isDone()) return undefined
      events.dropUnfinished()
      reader = await reconnect(cause)
    }
  }

  async function reconnect(cause: unknown): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    let retryAfterMs = 0
    while (attempts < settings.maxResumes) {
      await sleep(Math.max(retryAfterMs, backoffOf(attempts, settings)), over.signal)
      if (over.signal.aborted) break
      attempts += 1
      const from = events.dataEvents()
      settings.onResume?.({ run: run.id, from, attempt: attempts, cause })
      const init = { ...run.init, method: 'GET', signal: over.signal }
      const response = await settings.fetch(`${run.url}?from=${from}`, init).catch(ignore)
      if (response === undefined) continue
      if (isEventStream(response) && !over.signal.aborted) return response.body.getReader()
      response.body?.cancel().catch(ignore)
      if (!isPassing(response.status)) break
      retryAfterMs = retryAfterMsOf(response)
    }
    throw cause
  }

  function leave(): void {
    over.abort()
    reader.cancel().catch(ignore)
    if (!events.isDone()) letGo(run, settings.fetch).catch(ignore)
  }

  function fail(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void {
    // Reading breaks because of the leaving, too; nobody is there to hear of it.
    if (over.signal.aborted) return
    leave()
    controller.error(error)
  }

  const source = {
    start(controller: ReadableStreamDefaultController<Uint8Array>) {
      const { signal } = run
      if (signal?.aborted === true) fail(controller, signal.reason)
      signal?.addEventListener('abort', () => fail(controller, signal.reason), { signal: over.signal })
    },
    async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
      try {
        for (;;) {
          const chunk = await read()
          if (chunk === undefined) {
            over.abort()
            controller.close()
            return
          }
          const seen = events.dataEvents()
          const whole = events.push(chunk)
          if (events.dataEvents() > seen) attempts = 0
          if (whole.length > 0) controller.enqueue(whole)
          if (events.unfinishedBytes() > MAX_EVENT_BYTES) throw new Error('An event is longer than 1 MiB.')
          if (whole.length > 0) return
        }
      } catch (error) {
        fail(controller, error)
      }
    },
    cancel: leave,
  }
  // Nothing is read ahead of the caller, so that a slow one slows the mesh down as it would without this.
  return new ReadableStream(source, { highWaterMark: 0 })
}

/** Whether it is an answer whose events can be read. */
export function isEventStream(
  response: Response,
): response is Response & { readonly body: ReadableStream<Uint8Array> } {
  const type = response.headers.get('content-type')?.toLowerCase() ?? ''
  return response.status === 200 && response.body !== null && type.startsWith('text/event-stream')
}

function backoffOf(attempts: number, { backoffMs, jitter }: Settings): number {
  const longest = backoffMs[attempts] ?? backoffMs.at(-1) ?? 0
  return jitter ? Math.random() * longest : longest
}

function sleep(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs)
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
  })
}

/** Whether another attempt may find it otherwise: timeouts, rate limits and failures of the mesh. */
function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

/** 0 where nothing, or a date, is said. */
function retryAfterMsOf(response: Response): number {
  const seconds = Number(response.headers.get('retry-after'))
  return seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) * 1000 : 0
}

/** Tells the mesh that nobody reads the run. It may not arrive: then the mesh's own limits end the run. */
async function letGo(run: Run, send: Fetch): Promise<void> {
  const signal = AbortSignal.timeout(LET_GO_TIMEOUT_MS)
  // `keepalive` lets a page that is being left still send it; not every runtime's types know it.
  const init = { ...run.init, method: 'DELETE', keepalive: true, signal }
  const response = await send(run.url, init)
  await response.body?.cancel()
}

function ignore(): undefined {
  return undefined
}
