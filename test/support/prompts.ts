/** Prompts of a wanted length, and what an answer tells of where it was made and what was cached of its prompt there. */
import { chat, type ChatOptions } from './chat.ts'
import type { TestMesh } from './mesh.ts'

export interface Told {
  readonly status: number
  readonly pool: string | null
  readonly text: string
  readonly promptTokens: number
  readonly cachedTokens: number
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** A text of so many words of four letters, each a token of the simulated engine; texts of other names begin otherwise. */
export function aText(name: string, words: number): string {
  let state = 2_166_136_261
  for (const unit of name) state = Math.imul(state ^ unit.charCodeAt(0), 16_777_619) >>> 0
  const letter = (): string => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return LETTERS[Math.floor((state / 2 ** 32) * LETTERS.length)] ?? 'a'
  }
  return Array.from({ length: words }, () => letter() + letter() + letter() + letter()).join(' ')
}

/** A document and a question about it. */
export function about(document: string, question: string): readonly Message[] {
  return [
    { role: 'system', content: document },
    { role: 'user', content: question },
  ]
}

/** Asks for two tokens, unless the options say otherwise, and reads the answer. */
export async function tellOf(
  mesh: TestMesh,
  colo: string,
  messages: readonly Message[],
  options: ChatOptions = {},
): Promise<Told> {
  const body = { max_tokens: 2, ...options.body, messages }
  const response = await chat(mesh, colo, '', { ...options, body })
  const answer = (await response.json()) as {
    choices?: readonly { message: { content: string } }[]
    usage?: { prompt_tokens: number; prompt_tokens_details?: { cached_tokens: number } }
  }
  return {
    status: response.status,
    pool: response.headers.get('x-mesh-pool'),
    text: answer.choices?.[0]?.message.content ?? '',
    promptTokens: answer.usage?.prompt_tokens ?? Number.NaN,
    cachedTokens: answer.usage?.prompt_tokens_details?.cached_tokens ?? Number.NaN,
  }
}
