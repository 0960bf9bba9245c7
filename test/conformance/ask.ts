/** The request most tests of the suite send, and how its streamed answers are read. */
import { randomUUID } from 'node:crypto'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import type { Target } from './target.ts'

/** Fields of a body as they go on the wire, beyond what the clients' types know. */
export interface Fields {
  readonly content?: string
  readonly max_tokens?: number | null
  readonly [field: string]: unknown
}

/** A prompt nobody has asked before, on this mesh or in an earlier run. */
export function anew(prompt: string): string {
  return `${prompt} (${randomUUID()})`
}

/** A short question; new each time, so that no cached answer fits, unless `content` is given. */
export function question(target: Target, { content = anew('Tell me a story'), ...fields }: Fields = {}) {
  return {
    model: target.model,
    messages: [{ role: 'user' as const, content }],
    max_tokens: 20,
    ...fields,
  }
}

export async function collect<Chunk>(stream: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

export function textOf(chunks: readonly ChatCompletionChunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
}
