/** A `fetch` under which a streamed answer of a Warmpath mesh goes on by itself where its connection was lost. */
import { isEventStream, resumingBody, type Fetch, type Resume, type Settings } from './resuming-body.ts'

export type { Fetch, Resume }

export interface ResumableOptions {
  /** What sends the requests. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined
  /** How many attempts in a row may bring no event before the stream fails. Default: 5. */
  readonly maxResumes?: number | undefined
  /** The longest wait before each attempt of a row; the last one holds for all that follow. */
  readonly backoffMs?: readonly number[] | undefined
  /** Whether a wait is drawn from between 0 and its longest. Default: true. */
  readonly jitter?: boolean | undefined
  /** Called before every attempt to resume. */
  readonly onResume?: ((resume: Resume) => void) | undefined
}

const MAX_RESUMES = 5
const BACKOFF_MS = [100, 500, 1000, 2000, 4000]

/**
 * Wraps `fetch`. A POST of a string with `"stream": true` to a URL whose path ends in /chat/completions or /completions
 * asks the mesh to keep the run; if it does, the answer's body resumes. All else passes through untouched.
 */
export function resumable(options: ResumableOptions = {}): typeof fetch {
  const settings: Settings = {
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    maxResumes: options.maxResumes ?? MAX_RESUMES,
    backoffMs: options.backoffMs ?? BACKOFF_MS,
    jitter: options.jitter ?? true,
    onResume: options.onResume,
  }
  return async (input: string | URL | Request, init: RequestInit = {}) => {
    const base = asksForStream(init) ? baseOf(input) : undefined
    if (base === undefined) return settings.fetch(input, init)
    const headers = new Headers(init.headers)
    if (!headers.has('x-mesh-resumable')) headers.set('x-mesh-resumable', 'true')
    const response = await settings.fetch(input, { ...init, headers })
    const id = response.headers.get('x-mesh-run')
    if (id === null || !isEventStream(response)) return response
    const run = {
      id,
      url: `${base}/generations/${encodeURIComponent(id)}`,
      init: initOf(init, headers),
      signal: init.signal ?? undefined,
    }
    return withBody(response, resumingBody(response.body, run, settings))
  }
}

/** Only what is plainly one is parsed, and only bodies that can be read without using them up. */
function asksForStream({ method, body }: RequestInit): boolean {
  if (method?.toUpperCase() !== 'POST' || typeof body !== 'string' || !body.includes('"stream"')) return false
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null && 'stream' in parsed && parsed.stream === true
  } catch {
    return false
  }
}

/** The URL up to and including its version (…/v1), if it is one of completions. */
function baseOf(input: string | URL | Request): string | undefined {
  if (typeof input !== 'string' && !(input instanceof URL)) return undefined
  const [path = ''] = String(input).split(/[?#]/, 1)
  return /^(.*?)(?:\/chat)?\/completions$/.exec(path)?.[1]
}

/** What else the caller set (credentials, a proxy) holds for the requests about the run too. */
function initOf({ body: _body, signal: _signal, ...init }: RequestInit, headers: Headers): RequestInit {
  const authorization = headers.get('authorization')
  return {
    ...init,
    headers: { accept: 'text/event-stream', ...(authorization === null ? {} : { authorization }) },
  }
}

/** A response that was made, not received, has no URL of its own. */
function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { status, statusText, headers, url, redirected } = response
  const made = new Response(body, { status, statusText, headers })
  return Object.defineProperties(made, { url: { value: url }, redirected: { value: redirected } })
}
