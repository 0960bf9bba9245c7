/** A mesh whose answers are resumed, and a client that drops its connection and comes back. */
import { chat } from './chat.ts'
import { aMeshConfig, KEYS, sha256 } from './mesh-config.ts'
import { startMesh, type TestMesh } from './mesh.ts'

export const SECOND_KEY = 'sk-mesh-demo-second456789abcdefghijABCDEFGHIJ'
export const STORY = { temperature: 0, max_tokens: 60, ignore_eos: true, stream: true }

let unique = 0

/** Two keys of one tenant, and a tenant of the EU; resumable answers live for four seconds. */
export function startResumingMesh(): Promise<TestMesh> {
  return startMesh({
    colos: ['FRA', 'SIN'],
    distances: false,
    engine: { interTokenLatencyMs: 5 },
    config: (urls) =>
      aMeshConfig(urls, {
        tenants: [
          {
            id: 'demo',
            floor: { anywhere: true },
            keys: [KEYS.demo, SECOND_KEY].map((key, index) => ({ id: `k${index}`, sha256: sha256(key) })),
          },
          {
            id: 'eu-bank',
            floor: { jurisdictions: ['eu'] },
            terminate: { jurisdictions: ['eu'] },
            keys: [{ id: 'k0', sha256: sha256(KEYS['eu-bank']) }],
          },
        ],
        limits: { max_detached_runs: 2, detached_ms: 3000, detached_tokens: 500 },
        log: { open_within_ms: 10_000, resumable_ttl_seconds: 4 },
      }),
  })
}

/** A prompt that no other test has asked. */
export function freshPrompt(): string {
  unique += 1
  return `Resumable question ${unique}`
}

/** Of all pools together. */
export function countOf(mesh: TestMesh, what: 'generations' | 'running' | 'aborted'): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats()[what], 0)
}

export interface Dropped {
  readonly run: string
  /** Whole events that came before the drop. */
  readonly events: readonly string[]
}

/** Begins a stream, and drops the connection after so many events; reads to the end without a number. */
export async function begin(
  mesh: TestMesh,
  prompt: string,
  dropAfter?: number,
  options: Parameters<typeof chat>[3] = {},
): Promise<Dropped> {
  const drop = new AbortController()
  const response = await chat(mesh, 'FRA', prompt, {
    ...options,
    body: { ...STORY, ...options.body },
    signal: drop.signal,
  })
  const run = response.headers.get('x-mesh-run')
  if (run === null) throw new Error(`no run: ${response.status} ${await response.text()}`)
  const events: string[] = []
  let rest = ''
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    const parts = (rest + value).split('\n\n')
    rest = parts.pop() ?? ''
    events.push(...parts)
    if (dropAfter !== undefined && events.length >= dropAfter) {
      await reader.cancel()
      drop.abort()
      return { run, events: events.slice(0, dropAfter) }
    }
  }
  return { run, events }
}

export function resume(
  mesh: TestMesh,
  run: string,
  { from, colo = 'SIN', key = KEYS.demo, headers = {} }: Resuming = {},
): Promise<Response> {
  const query = from === undefined ? '' : `?from=${from}`
  return mesh.fetch(colo, `/v1/generations/${run}${query}`, {
    headers: { authorization: `Bearer ${key}`, ...headers },
  })
}

export interface Resuming {
  readonly from?: number
  readonly colo?: string
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Status and code of a refusal. */
export async function codeOf(response: Response): Promise<unknown> {
  const { error } = (await response.json()) as { error?: { code: string } }
  return [response.status, error?.code]
}
