/** A run that loses its client in one data centre and is read on in another. */
import { chat } from './chat.ts'
import { KEYS } from './mesh-config.ts'
import type { TestMesh } from './mesh.ts'

export interface DroppedRun {
  readonly run: string
  /** Those that came before the drop, whole. */
  readonly events: readonly string[]
}

/** Begins a stream in FRA that goes on without its client, and drops the connection after so many events. */
export async function dropRun(
  mesh: TestMesh,
  prompt: string,
  { maxTokens, afterEvents }: { readonly maxTokens: number; readonly afterEvents: number },
): Promise<DroppedRun> {
  const drop = new AbortController()
  const response = await chat(mesh, 'FRA', prompt, {
    body: {
      temperature: 0,
      max_tokens: maxTokens,
      stream: true,
      stream_options: { include_usage: true },
    },
    headers: { 'x-mesh-resumable': 'true' },
    signal: drop.signal,
  })
  const run = response.headers.get('x-mesh-run')
  if (run === null || response.body === null) throw new Error(`there is no run: ${response.status}`)
  const events: string[] = []
  let rest = ''
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + piece).split('\n\n')
    rest = parts.pop() ?? ''
    events.push(...parts)
    if (events.length >= afterEvents) break
  }
  drop.abort()
  return { run, events: events.slice(0, afterEvents) }
}

/** The events of a run from this number on, as they come in SIN. */
export async function readRun(mesh: TestMesh, run: string, from: number): Promise<readonly string[]> {
  const response = await mesh.fetch('SIN', `/v1/generations/${run}?from=${from}`, {
    headers: { authorization: `Bearer ${KEYS.demo}` },
  })
  if (response.status !== 200) throw new Error(`the run is not to be read: ${response.status}`)
  return (await response.text()).split('\n\n').filter((event) => event !== '')
}

/** What events of a chat say. */
export function textOfEvents(events: readonly string[]): string {
  return events
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice(6)) as { choices: { delta?: { content?: string | null } }[] })
    .map(({ choices }) => choices[0]?.delta?.content ?? '')
    .join('')
}
