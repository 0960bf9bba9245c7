/** What the tests of the real engine ask it over HTTP. */
import type { RealEngine } from '../support/real-engine.ts'

export interface Chunk {
  readonly choices: readonly {
    readonly delta?: { readonly role?: string; readonly content?: string | null }
    readonly message?: { readonly role: string; readonly content: string }
    readonly text?: string
    readonly finish_reason: string | null
  }[]
  readonly usage?: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly prompt_tokens_details: { readonly cached_tokens: number }
  }
  readonly timings?: { readonly cache_n: number; readonly prompt_n: number; readonly predicted_n: number }
}

export const CHAT = '/v1/chat/completions'
export const COMPLETIONS = '/v1/completions'

export function post(
  engine: RealEngine,
  path: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return fetch(engine.url + path, { method: 'POST', body: text, ...(signal === undefined ? {} : { signal }) })
}

/** A greedy answer, whole. */
export async function whole(engine: RealEngine, path: string, body: object): Promise<Chunk> {
  const response = await post(engine, path, { temperature: 0, ...body })
  // The shape is what these tests check.
  return (await response.json()) as Chunk
}

/** The chunks of a greedy answer's stream, and whether it came to its end. */
export async function stream(
  engine: RealEngine,
  path: string,
  body: object,
): Promise<{ chunks: Chunk[]; isDone: boolean }> {
  const response = await post(engine, path, { temperature: 0, stream: true, ...body })
  const data = await dataOf(response)
  const chunks = data.filter((text) => text !== '[DONE]').map((text): Chunk => JSON.parse(text))
  return { chunks, isDone: data.at(-1) === '[DONE]' }
}

export function textOf(chunks: readonly Chunk[]): string {
  return chunks.map(pieceOf).join('')
}

/** The text of each token that had one. */
export function piecesOf(chunks: readonly Chunk[]): string[] {
  return chunks.map(pieceOf).filter((piece) => piece !== '')
}

/** A user's message, and what an answer to it has begun with. */
export function chatOf(content: string, begun?: string): object {
  const question = { role: 'user', content }
  if (begun === undefined) return { messages: [question] }
  const messages = [question, { role: 'assistant', content: begun }]
  return { messages, continue_final_message: true, add_generation_prompt: false }
}

function pieceOf({ choices }: Chunk): string {
  const [choice] = choices
  return choice?.message?.content ?? choice?.delta?.content ?? choice?.text ?? ''
}

/** The data of the events that arrived, also when the connection broke. */
async function dataOf({ body }: Response): Promise<string[]> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    if (body !== null) for await (const part of body) text += decoder.decode(part, { stream: true })
  } catch {
    // Broken: the events before are what the test looks at.
  }
  return text.split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []))
}
