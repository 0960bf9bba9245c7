/** What the tests of the engine ask over HTTP. */
import { vi } from 'vitest'
import type { Engine } from '../../../../tools/local/engine/start-engine.ts'

export interface Chunk {
  readonly id: string
  readonly object: string
  readonly choices: readonly {
    readonly index: number
    readonly delta?: {
      readonly role?: string
      readonly content?: string
      readonly tool_calls?: readonly ToolCall[]
    }
    readonly text?: string
    readonly logprobs: Readonly<Record<string, readonly unknown[]>> | null
    readonly finish_reason: string | null
    readonly stop_reason?: string | null
    readonly token_ids?: readonly number[]
  }[]
  readonly prompt_token_ids?: readonly number[]
  readonly usage?: Usage
}

export interface ToolCall {
  readonly index?: number
  readonly id?: string
  readonly type?: string
  readonly function: { readonly name?: string; readonly arguments: string }
}

export interface Usage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details?: { readonly cached_tokens: number }
}

export interface Whole {
  readonly id: string
  readonly object: string
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly message?: {
      readonly role: string
      readonly content: string | null
      readonly tool_calls: readonly ToolCall[]
    }
    readonly text?: string
    readonly logprobs: Readonly<Record<string, readonly unknown[]>> | null
    readonly finish_reason: string
    readonly stop_reason: string | null
  }[]
  readonly usage: Usage
}

type Init = { readonly signal?: AbortSignal; readonly headers?: Record<string, string> }

export function post(engine: Engine, path: string, body: unknown, init: Init = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return fetch(engine.url + path, { method: 'POST', body: text, redirect: 'manual', ...init })
}

/** A greedy chat answer, whole. */
export async function ask(engine: Engine, text: string, more: object = {}): Promise<Whole> {
  const body = { messages: [{ role: 'user', content: text }], temperature: 0, ...more }
  const response = await post(engine, '/v1/chat/completions', body)
  // The shape is what these tests check.
  return (await response.json()) as Whole
}

export function contentOf(whole: Whole): string {
  return whole.choices[0]?.message?.content ?? whole.choices[0]?.text ?? ''
}

/** The chunks of a complete stream. */
export async function stream(engine: Engine, path: string, body: object): Promise<Chunk[]> {
  return chunksOf(await eventsOf(await post(engine, path, { ...body, stream: true })))
}

/** The same answer whole. */
export async function whole(engine: Engine, path: string, body: object): Promise<Whole> {
  // The shape is what these tests check.
  return (await (await post(engine, path, body)).json()) as Whole
}

/** Each list of a choice's log probabilities, joined over chunks. */
export function joinedLogprobs(chunks: readonly Chunk[], index = 0): Record<string, unknown[]> {
  const joined: Record<string, unknown[]> = {}
  for (const choice of chunks.flatMap(({ choices }) => choices)) {
    if (choice.index !== index) continue
    for (const [name, list] of Object.entries(choice.logprobs ?? {})) (joined[name] ??= []).push(...list)
  }
  return joined
}

/** The data of all events of a stream; throws when the connection breaks. */
export async function eventsOf(response: Response): Promise<string[]> {
  const text = await response.text()
  return dataOf(text)
}

/** The chunks that arrived before the connection broke, and whether it did. */
export async function readBroken(response: Response): Promise<{ data: string[]; isBroken: boolean }> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    if (response.body !== null) for await (const part of response.body) text += decoder.decode(part)
  } catch {
    return { data: dataOf(text), isBroken: true }
  }
  return { data: dataOf(text), isBroken: false }
}

export function chunksOf(data: readonly string[]): Chunk[] {
  return data.filter((text) => text !== '[DONE]').map((text): Chunk => JSON.parse(text))
}

export function textOf(chunks: readonly Chunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta?.content ?? choices[0]?.text ?? '').join('')
}

/** Until something that has to come over a socket has come. */
export function soon(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 2_000, interval: 1 })
}

/** One of the engine's metrics, without vLLM's prefix. */
export async function metric(engine: Engine, name: string): Promise<number> {
  const text = await (await fetch(`${engine.url}/metrics`)).text()
  return Number(new RegExp(`^vllm:${name}{.*} (.+)$`, 'm').exec(text)?.[1])
}

export function waiting(engine: Engine): Promise<number> {
  return metric(engine, 'num_requests_waiting')
}

function dataOf(text: string): string[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => event.slice(6))
}
