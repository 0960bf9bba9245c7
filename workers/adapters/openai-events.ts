/**
 * Reads one SSE event in OpenAI's chunk format, which every dialect here speaks with extras of its own. Loose about
 * what pools send: only what must be known is read, the rest is passed on as written.
 */
import type { Finish, Frame, Surface, Usage } from '../../shared/log/frame.ts'
import { plainTextOf } from '../../shared/log/plain-text.ts'
import type { JsonObject, Member } from '../../shared/stream/members.ts'
import { readJsonObject } from '../../shared/stream/members.ts'
import type { UpstreamEvent } from '../../shared/stream/upstream-event.ts'
import { isObject } from '../../shared/is-object.ts'
import type { PoolFault } from './adapter.ts'
import { ownChoices } from './own-choices.ts'
import type { ChoiceDialect } from './own-choices.ts'

export interface EventDialect extends ChoiceDialect {
  /** Members that are one pool's own and no part of the answer: a cached or stitched answer must not show them. */
  readonly droppedMembers: ReadonlySet<string>
  /** The tokens generated so far, from the event's parsed members, where the dialect states them. */
  readonly completionTokens?: (
    event: Readonly<Record<string, unknown>>,
    usage: Usage | undefined,
  ) => number | undefined
  /** Counts that the dialect states elsewhere than in `usage`, for events without that. */
  readonly usage?: (event: Readonly<Record<string, unknown>>) => Usage | undefined
  /** Why it failed, from an event that says that it did. */
  readonly fault?: (event: Readonly<Record<string, unknown>>) => PoolFault | undefined
}

/** Members that differ between readers (the renderer writes them) and OpenAI's padding against traffic analysis. */
const READER_MEMBERS: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created',
  'model',
  'usage',
  'obfuscation',
])

const DONE: UpstreamEvent = { kind: 'done' }
const FAILED: UpstreamEvent = { kind: 'error' }
const IGNORED: UpstreamEvent = { kind: 'ignored' }

/** Reads the data of one event. Never throws; what no client may see is `error`. */
export function readOpenAIEvent(dialect: EventDialect, surface: Surface, data: string): UpstreamEvent {
  if (data.trim() === '[DONE]') return DONE
  const object = readJsonObject(data)
  if (object === undefined) return FAILED
  if (isFailure(object.value)) return failureOf(dialect.fault?.(object.value))
  const usage = readUsage(object) ?? dialect.usage?.(object.value)
  const list: unknown = object.value.choices ?? []
  if (!Array.isArray(list) || !list.every(isObject)) return FAILED
  const choices = ownChoices(list, dialect)
  if (choices.length === 0) return usage === undefined ? IGNORED : { kind: 'usage', usage }
  const tokens = dialect.completionTokens?.(object.value, usage)
  const text = plainTextOf(surface, choices)
  const frame: Frame = {
    members: joinMembers(object.members, dialect.droppedMembers, choices === list ? undefined : choices),
    hasContent: choices.some((choice) => hasContent(surface, choice)),
    finishes: choices.flatMap(finishOf),
    ...(tokens === undefined ? {} : { completionTokens: tokens }),
    ...(text === undefined ? {} : { text }),
  }
  const indexes = choices.map(indexOf)
  return { kind: 'frame', frame, indexes, ...(usage === undefined ? {} : { usage }) }
}

/** A count of tokens, if it is one. */
export function tokenCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** `{"error": …}` (an object, or a string as vLLM's 401), or SGLang's and TensorRT-LLM's flat form. */
function isFailure(event: Readonly<Record<string, unknown>>): boolean {
  return (event.error !== undefined && event.error !== null) || event.object === 'error'
}

function failureOf(fault: PoolFault | undefined): UpstreamEvent {
  return fault === undefined ? FAILED : { kind: 'error', fault }
}

function readUsage({ value, members }: JsonObject): Usage | undefined {
  const { usage } = value
  if (!isObject(usage)) return undefined
  const promptTokens = tokenCount(usage.prompt_tokens)
  const raw = members.findLast(({ key }) => key === 'usage')?.value
  if (promptTokens === undefined || raw === undefined) return undefined
  const details = usage.prompt_tokens_details
  // Missing is unknown, not zero: vLLM and SGLang leave it out unless started with a flag.
  const cachedTokens = isObject(details) ? tokenCount(details.cached_tokens) : undefined
  return {
    promptTokens,
    completionTokens: tokenCount(usage.completion_tokens) ?? 0,
    ...(cachedTokens === undefined ? {} : { cachedTokens }),
    raw: withoutLineBreaks(raw),
  }
}

/** `rewritten`: the choices, where they are not as the pool wrote them. */
function joinMembers(
  members: readonly Member[],
  dropped: ReadonlySet<string>,
  rewritten: readonly object[] | undefined,
): string {
  const kept = members.filter(({ key }) => !READER_MEMBERS.has(key) && !dropped.has(key))
  const texts = kept.map(({ key, text }) =>
    rewritten !== undefined && key === 'choices' ? `"choices":${JSON.stringify(rewritten)}` : text,
  )
  return withoutLineBreaks(`{${texts.join(',')}}`)
}

/** Valid JSON has raw line breaks only between tokens, where a blank means the same. */
function withoutLineBreaks(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replace(/[\r\n]/g, ' ') : json
}

/** A role alone, or nulls and empty strings, are no content: pools send them before anything is generated. */
function hasContent(surface: Surface, choice: Readonly<Record<string, unknown>>): boolean {
  if (surface === 'completions') return isFilled(choice.text)
  const { delta } = choice
  return isObject(delta) && Object.entries(delta).some(([key, value]) => key !== 'role' && isFilled(value))
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
  return typeof value === 'object' && value !== null
}

function finishOf(choice: Readonly<Record<string, unknown>>): Finish[] {
  const reason = choice.finish_reason
  return typeof reason === 'string' && reason !== '' ? [{ index: indexOf(choice), reason }] : []
}

function indexOf(choice: Readonly<Record<string, unknown>>): number {
  return tokenCount(choice.index) ?? 0
}
