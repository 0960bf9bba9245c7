/** A pool telling a story, in events as its dialect writes them, read by the dialect's own adapter. */
import type { PartialAnswer } from '../../../../shared/log/continuation.ts'
import type { Frame, Surface, Usage } from '../../../../shared/log/frame.ts'
import { adapters } from '../../../../workers/adapters/index.ts'
import { tokensOf } from './story.ts'
import type { Story } from './story.ts'

export interface PoolStyle {
  /**
   * vllm: counts on every event, the finish with the last text. llamacpp: counts on events of text, the finish alone.
   * openai: no counts but the last, the finish alone.
   */
  readonly dialect: 'vllm' | 'llamacpp' | 'openai'
  /** Tokens in an event, one after the other and over again. */
  readonly chunks: readonly number[]
  /** Begins its first event with the text it was given to go on from. */
  readonly echoes: boolean
}

export interface PoolEvent {
  readonly frame?: Frame
  readonly usage?: Usage
}

export interface PoolRun {
  readonly surface: Surface
  readonly story: Story
  readonly style: PoolStyle
  /** What it was given to go on from. */
  readonly begun?: PartialAnswer
  /** Tokens it may still make. */
  readonly limit?: number
}

const PROMPT_TOKENS = 7

/** All events of one run. */
export function eventsOf(run: PoolRun): PoolEvent[] {
  const { story, style, begun, surface } = run
  const from = begun === undefined ? 0 : tokensOf(story, begun.text)
  const bound = Math.min(run.limit ?? Infinity, story.context - from)
  const left = story.tokens.slice(from)
  const finish = left.length < bound ? 'stop' : 'length'
  const told = left.slice(0, bound)
  const total = finish === 'stop' ? told.length + 1 : told.length
  const write = (text: string | undefined, made: number, reason: string | null = null): PoolEvent =>
    read(run, { text, reason, made, promptTokens: PROMPT_TOKENS + from })

  const events: PoolEvent[] = surface === 'chat' ? [write(undefined, 0)] : []
  let made = 0
  for (const tokens of chunksOf(told, style)) {
    made += tokens.length
    events.push(write(echoOf(run, made) + tokens.join(''), made))
  }
  if (style.dialect === 'vllm') {
    // The token that ends it comes alone, or in an event of several with the last text.
    const isAlone = finish === 'stop' && (style.chunks.every((size) => size === 1) || total % 2 === 0)
    const last = isAlone || told.length === 0 ? undefined : events.pop()
    events.push(write(last?.frame?.text ?? '', total, finish))
  } else {
    events.push(write(undefined, total, finish))
  }
  if (style.dialect === 'openai') events.push(read(run, { made: total, promptTokens: PROMPT_TOKENS + from }))
  return events

  function echoOf({ begun: given }: PoolRun, count: number): string {
    const isFirst = events.length === (surface === 'chat' ? 1 : 0)
    // Where the model could as well have repeated itself, it is no echo to anybody.
    const isPlain = style.dialect !== 'openai' && (count + 1) * 2 < (given?.tokens ?? 0)
    return style.echoes && isFirst && isPlain ? (given?.text ?? '') : ''
  }
}

/** Texts that do not show come alone (vLLM), or with what completes them and else not at all (llama.cpp). */
function chunksOf(tokens: readonly string[], { chunks, dialect }: PoolStyle): string[][] {
  const list: string[][] = []
  let at = 0
  while (at < tokens.length) {
    let size = Math.min(chunks[list.length % chunks.length] ?? 1, tokens.length - at)
    const isHidden = (): boolean => tokens[at + size - 1] === ''
    if (dialect !== 'vllm') while (isHidden() && at + size < tokens.length) size += 1
    const least = dialect === 'vllm' ? 1 : 0
    while (size > least && isHidden()) size -= 1
    if (size === 0) break
    list.push(tokens.slice(at, at + size))
    at += size
  }
  return list
}

interface Said {
  readonly text?: string | undefined
  /** Absent: an event of counts alone. */
  readonly reason?: string | null
  readonly made: number
  readonly promptTokens: number
}

function read({ surface, style }: PoolRun, { text, reason, made, promptTokens }: Said): PoolEvent {
  const { dialect } = style
  const role = { role: 'assistant', content: dialect === 'vllm' ? '' : null }
  const delta = text !== undefined ? { content: text } : reason === null ? role : {}
  const said = surface === 'chat' ? { delta } : { text: text ?? '' }
  const choices = reason === undefined ? [] : [{ index: 0, ...said, finish_reason: reason }]
  const usage = { prompt_tokens: promptTokens, completion_tokens: made, total_tokens: promptTokens + made }
  const isCounted = dialect === 'vllm' || (dialect === 'openai' && reason === undefined)
  const timings = { cache_n: 0, prompt_n: promptTokens, predicted_n: made }
  const hasTimings = dialect === 'llamacpp' && (text !== undefined || reason !== null)
  const data = { id: 'x', choices, ...(isCounted ? { usage } : {}), ...(hasTimings ? { timings } : {}) }
  const event = adapters[dialect].readEvent(surface, JSON.stringify(data))
  if (event.kind === 'usage') return { usage: event.usage }
  if (event.kind !== 'frame') throw new Error(`read as ${event.kind}`)
  return { frame: event.frame, ...(event.usage === undefined ? {} : { usage: event.usage }) }
}
