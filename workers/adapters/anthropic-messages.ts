/**
 * Turns a chat's messages into turns of Anthropic's Messages API: instructions apart, user and model by turns, each a list
 * of blocks. What has no counterpart there goes as it is, for the pool to refuse: nothing is left out in silence.
 */
import { isObject } from '../../shared/is-object.ts'

type Json = Readonly<Record<string, unknown>>

interface Turn {
  readonly role: 'user' | 'assistant'
  readonly content: Json[]
}

export interface Turns {
  /** All instructions, wherever in the chat they stood: there is no other place for them. */
  readonly system?: string
  readonly messages: readonly Turn[]
}

/** Calls are named by ids from any pool; here an id may have these letters only. */
const NO_ID_LETTER = /[^A-Za-z0-9_-]/g

/** Messages of one side in a row become one turn: the results of several calls have to stand together. */
export function toTurns(messages: readonly unknown[]): Turns {
  const system: string[] = []
  const turns: Turn[] = []
  for (const message of messages.filter(isObject)) {
    if (message.role === 'system' || message.role === 'developer') {
      system.push(...partsOf(message.content).map(({ text }) => String(text)))
      continue
    }
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = role === 'assistant' ? answerBlocks(message) : questionBlocks(message)
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else if (blocks.length > 0) turns.push({ role, content: blocks })
  }
  return { ...(system.length === 0 ? {} : { system: system.join('\n\n') }), messages: turns }
}

/** A text as a list of one part; without empty texts, which are refused. */
function partsOf(content: unknown): Json[] {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return Array.isArray(parts) ? parts.filter(isObject).filter(({ text }) => text !== '') : []
}

function answerBlocks({ content, refusal, tool_calls: calls, function_call: call }: Json): Json[] {
  const texts = partsOf(content).map(blockOf)
  if (typeof refusal === 'string' && refusal !== '') texts.push({ type: 'text', text: refusal })
  const uses = Array.isArray(calls) ? calls.filter(isObject).map((made) => useOf(made.id, made.function)) : []
  if (isObject(call)) uses.push(useOf(call.name, call))
  return [...texts, ...uses]
}

function questionBlocks({ role, content, name, tool_call_id: id }: Json): Json[] {
  const blocks = partsOf(content).map(blockOf)
  if (role !== 'tool' && role !== 'function') return blocks
  // The older form of a result is known by its function's name alone.
  const result = { type: 'tool_result', tool_use_id: toolId(role === 'tool' ? id : name) }
  return [blocks.length === 0 ? result : { ...result, content: blocks }]
}

function useOf(id: unknown, call: unknown): Json {
  const { name, arguments: text } = isObject(call) ? call : {}
  return { type: 'tool_use', id: toolId(id), name, input: inputOf(text) }
}

/** What was called with nothing may have been written as nothing. */
function inputOf(text: unknown): unknown {
  if (typeof text !== 'string' || text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    // A call that was cut off is no call; it is for the pool to say so.
    return text
  }
}

function toolId(id: unknown): string {
  return String(id).replace(NO_ID_LETTER, '_')
}

function blockOf(part: Json): Json {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'image_url': {
      const source = sourceOf(isObject(part.image_url) ? part.image_url.url : undefined)
      return source === undefined ? part : { type: 'image', source }
    }
    case 'file': {
      const { file_data: url, filename } = isObject(part.file) ? part.file : {}
      const source = sourceOf(url)
      if (source?.media_type !== 'application/pdf') return part
      return { type: 'document', source, ...(filename === undefined ? {} : { title: filename }) }
    }
    default:
      return part
  }
}

/** The parts of a `data:` URL in base64. Cut at its comma: a pattern over megabytes would fill the regex stack. */
function sourceOf(url: unknown): { type: 'base64'; media_type: string; data: string } | undefined {
  if (typeof url !== 'string') return undefined
  const comma = url.indexOf(',')
  const [, mediaType] = /^data:([^;,]+)(?:;[^;,]*)*;base64$/i.exec(url.slice(0, Math.max(0, comma))) ?? []
  if (mediaType === undefined) return undefined
  return { type: 'base64', media_type: mediaType.toLowerCase(), data: url.slice(comma + 1) }
}
