/**
 * Reads the events of Anthropic's Messages API as the chunks that OpenAI's would have sent. They lean on one another: counts
 * come in two parts, and a call's pieces name the block that began it.
 */
import { isObject } from '../../shared/is-object.ts'
import { readJsonObject } from '../../shared/stream/members.ts'
import type { PoolFault, ReadEvent, UpstreamEvent } from './adapter.ts'
import type { EventDialect } from './openai-events.ts'
import { readOpenAIEvent, tokenCount } from './openai-events.ts'

type Json = Readonly<Record<string, unknown>>

/** A tool call under way. */
interface Call {
  /** Among the calls of the answer; blocks are numbered with its texts. */
  readonly index: number
  hasArguments: boolean
}

const CHUNKS: EventDialect = { droppedMembers: new Set() }
const DONE: UpstreamEvent = { kind: 'done' }
const FAILED: UpstreamEvent = { kind: 'error' }
const IGNORED: UpstreamEvent = { kind: 'ignored' }

/** Whatever else ends an answer ends it well: `end_turn`, `stop_sequence`, and `pause_turn` of tools that are not offered. */
const FINISH_REASONS: ReadonlyMap<unknown, string> = new Map([
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
])

/** The counts of usage, each as last stated. Those of a cache may be null, which is unknown, not zero. */
const COUNTS = [
  'input_tokens',
  'cache_creation_input_tokens',
  'cache_read_input_tokens',
  'output_tokens',
] as const

/** Makes the reader of one stream. `faultOf` is told the type of an error and the event. */
export function startReadingMessages(
  faultOf: (type: unknown, data: string) => PoolFault | undefined,
): ReadEvent {
  const counts = new Map<string, number>()
  const calls = new Map<unknown, Call>()

  function count(usage: unknown): void {
    if (!isObject(usage)) return
    for (const name of COUNTS) {
      const tokens = tokenCount(usage[name])
      if (tokens !== undefined) counts.set(name, tokens)
    }
  }

  /** As OpenAI's API counts: the prompt is all of it, however much of it was cached. */
  function usage(): object | undefined {
    const [fresh, written, cached, completion = 0] = COUNTS.map((name) => counts.get(name))
    if (fresh === undefined) return undefined
    const prompt = fresh + (written ?? 0) + (cached ?? 0)
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
    }
  }

  function callChunk({ index }: Call, members: object): UpstreamEvent {
    return chunk({ tool_calls: [{ index, ...members }] })
  }

  function beginBlock(index: unknown, block: unknown): UpstreamEvent {
    if (!isObject(block)) return IGNORED
    if (block.type === 'text' && typeof block.text === 'string' && block.text !== '') {
      return chunk({ content: block.text })
    }
    if (block.type !== 'tool_use') return IGNORED
    // Some servers that speak the dialect give the whole input at once.
    const input = isObject(block.input) && Object.keys(block.input).length > 0 ? block.input : undefined
    const call: Call = { index: calls.size, hasArguments: input !== undefined }
    calls.set(index, call)
    const text = input === undefined ? '' : JSON.stringify(input)
    return callChunk(call, {
      id: block.id,
      type: 'function',
      function: { name: block.name, arguments: text },
    })
  }

  function goOn(index: unknown, delta: unknown): UpstreamEvent {
    if (!isObject(delta)) return IGNORED
    if (delta.type === 'text_delta') return chunk({ content: delta.text })
    if (delta.type === 'thinking_delta') return chunk({ reasoning_content: delta.thinking })
    const call = calls.get(index)
    if (delta.type !== 'input_json_delta' || call === undefined) return IGNORED
    if (delta.partial_json === '') return IGNORED
    call.hasArguments = true
    return callChunk(call, { function: { arguments: delta.partial_json } })
  }

  /** A call without arguments has no piece of them, and clients parse what there is: an empty text is no JSON. */
  function endBlock(index: unknown): UpstreamEvent {
    const call = calls.get(index)
    if (call === undefined || call.hasArguments) return IGNORED
    return callChunk(call, { function: { arguments: '{}' } })
  }

  function endMessage(delta: unknown): UpstreamEvent {
    const reason = isObject(delta) ? delta.stop_reason : undefined
    const finishReason = typeof reason === 'string' ? (FINISH_REASONS.get(reason) ?? 'stop') : null
    return chunk({}, finishReason, usage())
  }

  return (_surface, data, name) => {
    // Servers that speak both dialects end both in the same way.
    if (data.trim() === '[DONE]') return DONE
    const event: Json | undefined = readJsonObject(data)?.value
    if (event === undefined) return FAILED
    switch (event.type ?? name) {
      case 'message_start':
        count(isObject(event.message) ? event.message.usage : undefined)
        return chunk({ role: 'assistant', content: '' }, null, usage())
      case 'content_block_start':
        return beginBlock(event.index, event.content_block)
      case 'content_block_delta':
        return goOn(event.index, event.delta)
      case 'content_block_stop':
        return endBlock(event.index)
      case 'message_delta':
        count(event.usage)
        return endMessage(event.delta)
      case 'message_stop':
        return DONE
      case 'error': {
        const fault = faultOf(isObject(event.error) ? event.error.type : undefined, data)
        return fault === undefined ? FAILED : { kind: 'error', fault }
      }
      // Pings, and types that are yet to come.
      default:
        return IGNORED
    }
  }
}

/** Counts go with the events that state them. */
function chunk(delta: object, finishReason: string | null = null, usage?: object): UpstreamEvent {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }]
  return readOpenAIEvent(
    CHUNKS,
    'chat',
    JSON.stringify({ choices, ...(usage === undefined ? {} : { usage }) }),
  )
}
