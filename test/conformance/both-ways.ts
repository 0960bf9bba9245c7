/** Asks one question of a chat streamed or not, and reads both answers into one form that can be compared. */
import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions'
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream'
import type { CompletionUsage } from 'openai/resources/completions'
import { collect, type question } from './ask.ts'
import { openAi, type Target } from './target.ts'

export interface Answered {
  readonly id: string
  readonly choices: readonly AnsweredChoice[]
  readonly usage: CompletionUsage | undefined
  /** What the mesh says of its cache. */
  readonly cache: string | null
  /** What was streamed; none otherwise. */
  readonly chunks: readonly ChatCompletionChunk[]
}

/** What both ways must say in the same words. */
export interface AnsweredChoice {
  readonly index: number
  readonly finish: string
  /** Null where there is none, or an empty one: a stream does not tell these apart. */
  readonly content: string | null
  readonly refusal: string | null
  readonly calls: readonly AnsweredCall[]
  readonly logprobs: ChatCompletion.Choice['logprobs']
}

export interface AnsweredCall {
  readonly id: string
  readonly type: string
  readonly name: string | undefined
  readonly arguments: string | undefined
}

type Body = ReturnType<typeof question>
type Headers = Readonly<Record<string, string>>

/** The chunks are joined by the SDK itself, so that its reading of them is what is compared. */
export async function askStreamed(at: Target, body: Body, headers: Headers = {}): Promise<Answered> {
  const streamed = { ...body, stream: true, stream_options: { include_usage: true } } as const
  const { data, response } = await openAi(at).chat.completions.create(streamed, { headers }).withResponse()
  const chunks = await collect(data)
  const folded = await ChatCompletionStream.fromReadableStream(linesOf(chunks)).finalChatCompletion()
  return answered(folded, response, chunks)
}

export async function askWhole(at: Target, body: Body, headers: Headers = {}): Promise<Answered> {
  const { data, response } = await openAi(at).chat.completions.create(body, { headers }).withResponse()
  return answered(data, response, [])
}

/** What the cache says to the next who asks; `failed` while a pool that broke is not asked again. */
export function cacheWord(at: Target, body: Body): Promise<string | null> {
  return askWhole(at, body).then(
    ({ cache }) => cache,
    () => 'failed',
  )
}

export const WAYS = { streamed: askStreamed, whole: askWhole } as const

/** How an answer is made, and how it is asked for again. */
export const PAIRS = [
  ['streamed', 'streamed'],
  ['streamed', 'whole'],
  ['whole', 'streamed'],
  ['whole', 'whole'],
] as const

function answered(
  answer: ChatCompletion,
  { headers }: Response,
  chunks: readonly ChatCompletionChunk[],
): Answered {
  const { id, usage, choices } = answer
  // Null in all chunks of a stream whose pool states none.
  const counts = usage ?? undefined
  return { id, usage: counts, choices: choices.map(plain), cache: headers.get('x-mesh-cache'), chunks }
}

function plain({ index, finish_reason: finish, logprobs, message }: ChatCompletion.Choice): AnsweredChoice {
  const calls = (message.tool_calls ?? []).map((call) => {
    const called = call.type === 'function' ? call.function : undefined
    return { id: call.id, type: call.type, name: called?.name, arguments: called?.arguments }
  })
  const content = message.content === '' ? null : message.content
  return { index, finish, content, refusal: message.refusal ?? null, calls, logprobs }
}

function linesOf(chunks: readonly ChatCompletionChunk[]): ReadableStream<Uint8Array> {
  const text = chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join('')
  return new Blob([text]).stream()
}
