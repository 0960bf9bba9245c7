/**
 * Which answers another pool may finish, and what it is asked then. An engine that is given the text so far goes on from it
 * as if it had written it, if nothing but that text decides what comes next.
 */
import { isObject } from '../is-object.ts'
import type { GenerationRequest } from '../schema/request.ts'

/** What there is of an answer. */
export interface PartialAnswer {
  readonly text: string
  /** Tokens generated for it, where the pools stated them. */
  readonly tokens?: number
}

/** Surfaces on which a pool goes on from a text. */
export interface Continues {
  readonly chat: boolean
  readonly completions: boolean
}

/**
 * Fields under which the next token depends on the text alone. Not among them: what keeps a state of its own that a second
 * engine would begin anew (grammars, schemas, tool calls, `min_tokens`, Mirostat, DRY; stop sequences, of which engines hold
 * back what may become one, and look for it only in what they wrote themselves), what looks at generated tokens apart from
 * the prompt's (presence and frequency penalties, vLLM's `bad_words`), what describes tokens one by one (`logprobs`), and
 * whatever an operator has opened, of which nothing is known.
 */
const CONTINUABLE_FIELDS: ReadonlySet<string> = new Set([
  'messages',
  'prompt',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'typical_p',
  'top_n_sigma',
  'seed',
  'stop_token_ids',
  'include_stop_str_in_output',
  'logit_bias',
  'allowed_token_ids',
  'ignore_eos',
  'skip_special_tokens',
  'spaces_between_special_tokens',
  'repetition_penalty',
  'repeat_penalty',
])

/** Fields that change nothing at these values. */
const HARMLESS: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => value === 1,
  stop: isEmpty,
  presence_penalty: (value) => value === 0,
  frequency_penalty: (value) => value === 0,
  logprobs: (value) => value === false,
  tools: isEmpty,
  response_format: (value) => isObject(value) && value['type'] === 'text',
  repeat_last_n: (value) => value === -1,
}

/** Fields by which an answer's text at a count of tokens is not what a limit of that count would have given. */
const UNCUTTABLE_FIELDS: readonly string[] = ['stop', 'stop_token_ids', 'min_tokens', 'suffix']

/** Whether an answer to the request could be finished by a second engine, as long as it is plain text. */
export function isContinuable({ body, surface }: GenerationRequest): boolean {
  return (
    Object.entries(body).every(([name, value]) => isContinuableField(name, value)) && hasPlace(body, surface)
  )
}

/** Whether the beginning of an answer to the request is the answer to the same request with a lower limit. */
export function isCuttable({ body, surface }: GenerationRequest): boolean {
  const isPlain = Object.entries(body).every(
    ([name, value]) => name === 'logprobs' || name === 'top_logprobs' || isContinuableField(name, value),
  )
  const finished = UNCUTTABLE_FIELDS.some((name) => body[name] !== undefined)
  return isPlain && !finished && (surface === 'chat' || typeof body['prompt'] === 'string')
}

/** Tokens that may still be generated: undefined without a limit, or where the count is not known. */
export function remainingTokens(limit: number | undefined, partial: PartialAnswer): number | undefined {
  return limit === undefined || partial.tokens === undefined ? undefined : Math.max(0, limit - partial.tokens)
}

/**
 * The body by which a pool goes on from a text: what was asked, with the text as the beginning of the answer. On the chat
 * surface the dialect adds its own way to say that the last message is unfinished.
 */
export function continuationBody(
  { body, surface, tokenLimit }: GenerationRequest,
  partial: PartialAnswer,
): Readonly<Record<string, unknown>> {
  const left = remainingTokens(tokenLimit, partial)
  const limits = Object.fromEntries(
    ['max_tokens', 'max_completion_tokens'].flatMap((name) =>
      body[name] === undefined || left === undefined ? [] : [[name, left]],
    ),
  )
  // A half of a surrogate pair is no text; the whole character is written again, and its first half not shown twice.
  const text = wellFormedPart(partial.text)
  if (surface === 'completions') return { ...body, ...limits, prompt: `${String(body['prompt'])}${text}` }
  const messages = Array.isArray(body['messages']) ? body['messages'] : []
  return { ...body, ...limits, messages: [...messages, { role: 'assistant', content: text }] }
}

/** The text without a trailing half of a surrogate pair. */
export function wellFormedPart(text: string): string {
  return HIGH_SURROGATE_AT_END.test(text) ? text.slice(0, -1) : text
}

const HIGH_SURROGATE_AT_END = /[\uD800-\uDBFF]$/

function isContinuableField(name: string, value: unknown): boolean {
  if (CONTINUABLE_FIELDS.has(name)) return true
  return Object.hasOwn(HARMLESS, name) && HARMLESS[name]?.(value) === true
}

/** Where the text so far goes: after the prompt, or in a message of its own, which no other may stand before. */
function hasPlace(body: Readonly<Record<string, unknown>>, surface: GenerationRequest['surface']): boolean {
  if (surface === 'completions') return typeof body['prompt'] === 'string'
  const { messages } = body
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined
  return isObject(last) && last['role'] !== 'assistant'
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
