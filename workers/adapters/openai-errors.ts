/** Reads a refusal in the shapes that OpenAI-compatible servers give it: nested, flat, a bare string, or no JSON. */
import type { PoolAdapter, PoolFault } from './adapter.ts'
import { isObject } from '../../shared/is-object.ts'

export interface PoolErrorText {
  /** The machine-readable code or type, in lower case; empty if there is none. */
  readonly code: string
  /** The sentence; the body itself if it is not JSON. For matching only: it never leaves the adapter. */
  readonly message: string
}

export const CONTEXT_LENGTH: PoolFault = { kind: 'context_length' }
export const REJECTED: PoolFault = { kind: 'rejected' }
export const MISCONFIGURED: PoolFault = { kind: 'misconfigured' }
export const SATURATED: PoolFault = { kind: 'saturated' }
export const UNAVAILABLE: PoolFault = { kind: 'unavailable' }

/** Codes that mean the prompt does not fit: OpenAI, llama.cpp. */
const CONTEXT_CODES: ReadonlySet<string> = new Set(['context_length_exceeded', 'exceed_context_size_error'])

/** How servers say it: vLLM and OpenAI; llama.cpp; SGLang (both); TGI (both); Anthropic-compatible fronts. */
const CONTEXT_SENTENCES: readonly RegExp[] = [
  /maximum context length (?:is|of) /,
  /exceeds the available context size/,
  /longer than the model's context length/,
  /`inputs` must have less than /,
  /`inputs` tokens \+ `max_new_tokens` must be /,
  /prompt is too long/i,
]

/** 503 is both "full" and "down"; these words make it the former (vLLM and SGLang queues, Ollama, llama.cpp). */
const FULL_SENTENCE = /overload|queue|busy|capacity|no slot available|too many/i

/**
 * What a status and the beginning of its body mean. A refusal that every pool would repeat, or that is our
 * configuration's fault (401, 403, 404), is never taken elsewhere.
 */
export function readOpenAIError(status: number, body: string): PoolFault {
  const { code, message } = readErrorText(body)
  switch (status) {
    case 400:
    case 413:
    case 422:
      return CONTEXT_CODES.has(code) || CONTEXT_SENTENCES.some((sentence) => sentence.test(message))
        ? CONTEXT_LENGTH
        : REJECTED
    case 401:
    case 403:
    case 404:
    case 501:
      return MISCONFIGURED
    case 408:
      return UNAVAILABLE
    case 429:
      // An account out of money is not a pool that is full: it stays so until somebody pays.
      return code === 'insufficient_quota' ? MISCONFIGURED : SATURATED
    case 503:
      return FULL_SENTENCE.test(message) ? SATURATED : UNAVAILABLE
    case 529:
      return SATURATED
    default:
      // A success without an answer (204, 206) is no fault of the request.
      return status >= 500 || status < 400 ? UNAVAILABLE : REJECTED
  }
}

/**
 * Why an event of a stream says that it failed, where the error's `code` is the status it would have come with (SGLang,
 * TensorRT-LLM): a queue that is full, or a prompt that is too long, shows there when the 200 is out already. `readError` is
 * the dialect's own.
 */
export function readCodedFault(
  event: Readonly<Record<string, unknown>>,
  readError: PoolAdapter['readError'],
): PoolFault | undefined {
  const { code } = isObject(event.error) ? event.error : event
  if (typeof code !== 'number' || code < 400 || code > 599) return undefined
  return readError(code, JSON.stringify(event))
}

/** Finds code and sentence in the beginning of a body, which may be cut short or be a proxy's page. */
export function readErrorText(body: string): PoolErrorText {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    // Not JSON, or longer than what was read: the text is all there is.
    return { code: '', message: body }
  }
  const error = isObject(parsed) ? (parsed.error ?? parsed) : parsed
  if (!isObject(error)) return { code: '', message: typeof error === 'string' ? error : '' }
  const code = [error.code, error.type].find((name) => typeof name === 'string')
  return {
    code: typeof code === 'string' ? code.toLowerCase() : '',
    message: typeof error.message === 'string' ? error.message : '',
  }
}
