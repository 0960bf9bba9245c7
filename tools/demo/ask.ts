/** Requests of the demo: all to the same model, with a limit in time so that the demo ends. */
import OpenAI from 'openai'
import type { Colo, DemoMesh, TenantId } from './demo-mesh.ts'

export interface Asking {
  readonly tenant: TenantId
  readonly colo: Colo
  readonly prompt: string
}

export const MODEL = 'story'
/** Some 700 characters, in two seconds. */
const MAX_TOKENS = 160
const ANSWER_WITHIN_MS = 20_000

/** Temperature 0: the prompt alone decides the answer, so that two of them can be compared to the letter. */
export function bodyOf(prompt: string) {
  return {
    model: MODEL,
    messages: [{ role: 'user' as const, content: prompt }],
    max_tokens: MAX_TOKENS,
    temperature: 0,
    ignore_eos: true,
  }
}

/** The SDK as it comes out of its package. */
export function sdk(mesh: DemoMesh, { tenant, colo }: Omit<Asking, 'prompt'>): OpenAI {
  return new OpenAI({ baseURL: mesh.url(colo), apiKey: mesh.keyOf(tenant), timeout: ANSWER_WITHIN_MS })
}

/** The answer of a request that nothing happens to, and that leaves nothing behind. */
export async function undisturbed(mesh: DemoMesh, asking: Asking): Promise<string> {
  const answer = await sdk(mesh, asking).chat.completions.create(bodyOf(asking.prompt), {
    headers: { 'x-mesh-cache': 'off' },
  })
  return answer.choices[0]?.message.content ?? ''
}

/** A request without an SDK; `body` is added to what is always asked. */
export function ask(
  mesh: DemoMesh,
  { tenant, colo, prompt }: Asking,
  body: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${mesh.url(colo)}/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${mesh.keyOf(tenant)}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({ ...bodyOf(prompt), ...body }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
}

/** Reads a run, from an event on, in a data centre. */
export function readRun(
  mesh: DemoMesh,
  { tenant, colo, run }: { readonly tenant: TenantId; readonly colo: Colo; readonly run: string },
  { query = '', accept = 'text/event-stream' } = {},
): Promise<Response> {
  return fetch(`${mesh.url(colo)}/generations/${run}${query}`, {
    headers: { authorization: `Bearer ${mesh.keyOf(tenant)}`, accept },
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  })
}

/** What an event of a stream adds to the answer; empty for one that adds none. */
export function textOfEvent(event: string): string {
  if (!event.startsWith('data: {')) return ''
  const chunk = JSON.parse(event.slice('data: '.length)) as {
    readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[]
  }
  return chunk.choices?.[0]?.delta?.content ?? ''
}

/** The whole events of a stream, one by one; leaving the loop leaves the connection. */
export async function* eventsOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of response.body ?? []) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
}
