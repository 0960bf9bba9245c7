/** Asks the older completions one question streamed or not, and reads both answers into one form that can be compared. */
import type { Completion, CompletionChoice, CompletionUsage } from 'openai/resources/completions'
import { anew, collect } from './ask.ts'
import { openAi, type Target } from './target.ts'

export interface Completed {
  readonly choices: readonly CompletedChoice[]
  readonly usage: CompletionUsage | undefined
  /** What the mesh says of its cache. */
  readonly cache: string | null
}

export interface CompletedChoice {
  readonly text: string
  /** All reasons that came, in order. */
  readonly finishes: readonly string[]
  readonly logprobs: CompletionChoice.Logprobs | null
}

interface Fields {
  readonly n?: number
  readonly seed?: number
  readonly temperature?: number
  readonly max_tokens?: number
  readonly logprobs?: number | null
  readonly best_of?: number
}

type Body = ReturnType<typeof completion>
type Headers = Readonly<Record<string, string>>

/** A prompt that is new each time. */
export function completion(target: Target, fields: Fields = {}) {
  return { model: target.model, prompt: anew('Once upon a time'), max_tokens: 30, ...fields }
}

/** Joins what the chunks say by hand: the SDK has no helper for this surface. */
async function completeStreamed(at: Target, body: Body, headers: Headers = {}): Promise<Completed> {
  const streamed = { ...body, stream: true, stream_options: { include_usage: true } } as const
  const { data, response } = await openAi(at).completions.create(streamed, { headers }).withResponse()
  const chunks = await collect(data)
  return {
    choices: choicesOf(chunks),
    usage: chunks.at(-1)?.usage,
    cache: response.headers.get('x-mesh-cache'),
  }
}

async function completeWhole(at: Target, body: Body, headers: Headers = {}): Promise<Completed> {
  const { data, response } = await openAi(at).completions.create(body, { headers }).withResponse()
  return { choices: choicesOf([data]), usage: data.usage, cache: response.headers.get('x-mesh-cache') }
}

export const COMPLETE = { streamed: completeStreamed, whole: completeWhole } as const

/** A whole answer is read like a stream of one chunk. */
function choicesOf(chunks: readonly Completion[]): CompletedChoice[] {
  const pieces = chunks.flatMap(({ choices }) => choices)
  const indexes = [...new Set(pieces.map(({ index }) => index))].toSorted((a, b) => a - b)
  return indexes.map((wanted) => {
    const own = pieces.filter(({ index }) => index === wanted)
    return {
      text: own.map(({ text }) => text).join(''),
      // Null until the end, whatever the SDK's types say.
      finishes: own.flatMap(({ finish_reason: reason }) => reason ?? []),
      logprobs: joined(own.flatMap(({ logprobs }) => logprobs ?? [])),
    }
  })
}

function joined(parts: readonly CompletionChoice.Logprobs[]): CompletionChoice.Logprobs | null {
  if (parts.length === 0) return null
  return {
    text_offset: parts.flatMap((part) => part.text_offset ?? []),
    token_logprobs: parts.flatMap((part) => part.token_logprobs ?? []),
    tokens: parts.flatMap(({ tokens }) => tokens ?? []),
    top_logprobs: parts.flatMap((part) => part.top_logprobs ?? []),
  }
}
