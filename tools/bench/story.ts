/** The requests that are measured: a story of so many tokens, deterministic and so to be shared, on a prompt nobody asked before. */
import type { BenchMesh, Colo } from './bench-mesh.ts'
import type { TimedRequest } from './timed-request.ts'

export interface Story {
  readonly prompt: string
  readonly tokens: number
}

/** Tokens of an answer that is measured from its first byte to its end: a paragraph or two. */
export const LONG = 200
/** Frames of such an answer: one per token, and the role. */
export const LONG_FRAMES = LONG + 1

let prompts = 0

export function freshPrompt(): string {
  prompts += 1
  return `Tell me story number ${prompts} of the sea, and of those who came back from it.`
}

export function toEdge(
  mesh: BenchMesh,
  colo: Colo,
  story: Story,
  headers: Readonly<Record<string, string>> = {},
): TimedRequest {
  return {
    url: `${mesh.url(colo)}/v1/chat/completions`,
    method: 'POST',
    headers: { ...headersOf(mesh), ...headers },
    body: bodyOf('story', story),
  }
}

/** Asks the pool itself, from where FRA and AMS are. */
export function toPool(mesh: BenchMesh, story: Story): TimedRequest {
  return {
    url: `${mesh.nearPool.url}/v1/chat/completions`,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-sim-edge-region': mesh.nearPool.region },
    body: bodyOf('story-8b', story),
  }
}

/** Asks the Worker that only passes on. */
export function toBareWorker(
  mesh: BenchMesh,
  relay: 'native' | 'javascript' | 'object',
  story: Story,
): TimedRequest {
  return { ...toPool(mesh, story), url: `${mesh.bareUrl}${relay}` }
}

/** Comes back to a run when it has had so many events of it. */
export function toRun(mesh: BenchMesh, colo: Colo, run: string, from: number): TimedRequest {
  return {
    url: `${mesh.url(colo)}/v1/generations/${run}?from=${from}`,
    method: 'GET',
    headers: headersOf(mesh),
  }
}

function headersOf({ key }: BenchMesh): Record<string, string> {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
}

/** A request for a story, as text. */
export function bodyOf(model: string, { prompt, tokens }: Story): string {
  return JSON.stringify({
    model,
    messages: [{ role: 'user', content: prompt }],
    temperature: 0,
    max_tokens: tokens,
    // The story does not end before.
    ignore_eos: true,
    stream: true,
  })
}
