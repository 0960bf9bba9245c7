/** What pools of each dialect answer, by the fixture that holds its bytes, and what clients should get of it. */
import type { Dialect } from '../../shared/schema/mesh.ts'

/** A pool that answers everything with the bytes of one fixture. */
export interface Recorded {
  readonly dialect: Dialect
  readonly fixture: string
  /** Without one, 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Text, and prompt, completion and cached tokens; cached is left out where the pool does not say. */
export const TEXTS = [
  ['sglang', 'sglang-chat-usage', 'Hello there.', [2048, 4, 1984]],
  ['tgi', 'tgi-chat-usage', 'Hello there.', [40, 3]],
  ['ollama', 'ollama-chat-usage', 'Hello there.', [26, 4]],
  ['trtllm', 'trtllm-chat-usage', 'Hello there.', [640, 3, 512]],
  ['azure', 'azure-chat-filtered', 'Hi you', [1200, 3, 1024]],
  ['anthropic', 'anthropic-chat-text', 'Hello there.', [25, 6, 0]],
  ['anthropic', 'anthropic-chat-cached', 'Hi', [2000, 3, 1900]],
] as const satisfies readonly (readonly [Dialect, string, string, readonly number[]])[]

const OSLO = { city: 'Oslo' }
/** How an answer with tool calls finishes, and the calls. */
export const CALLS = [
  ['sglang', 'sglang-chat-tools', 'tool_calls', [['get_weather', OSLO]]],
  ['tgi', 'tgi-chat-tools', 'stop', [['get_weather', OSLO]]],
  ['ollama', 'ollama-chat-tools', 'tool_calls', [['get_weather', OSLO]]],
  ['trtllm', 'trtllm-chat-tools', 'tool_calls', [['get_weather', OSLO]]],
  ['azure', 'azure-chat-tools', 'tool_calls', [['get_weather', OSLO]]],
  [
    'anthropic',
    'anthropic-chat-tools',
    'tool_calls',
    [
      ['get_weather', OSLO],
      ['get_time', {}],
    ],
  ],
] as const satisfies readonly (readonly [Dialect, string, string, readonly (readonly [string, object])[]])[]

/** Text and finish of completions. */
export const COMPLETIONS = [
  ['sglang', 'sglang-completions', ', there was a', 'length'],
  ['tgi', 'tgi-completions', ', there was', 'stop'],
  ['ollama', 'ollama-completions', ', there was', 'stop'],
  ['trtllm', 'trtllm-completions', ', there was', 'length'],
  ['azure', 'azure-completions', 'one two', 'length'],
] as const satisfies readonly (readonly [Dialect, string, string, string])[]

const TOO_LONG = [400, 'context_length_exceeded'] as const
const REJECTED = [400, 'pool_rejected_request'] as const
const MISCONFIGURED = [502, 'pool_misconfigured'] as const
const UNAVAILABLE = [503, 'no_eligible_pool'] as const
type Wire = readonly [status: number, code: string]

/** What is told by a status, and what by the first event of a 200; and what clients get of it. */
export const REFUSALS: readonly (readonly [Recorded, Wire])[] = [
  [{ dialect: 'sglang', fixture: 'sglang-error-400-context', status: 400 }, TOO_LONG],
  [{ dialect: 'sglang', fixture: 'sglang-chat-context' }, TOO_LONG],
  [{ dialect: 'sglang', fixture: 'sglang-error-400-value', status: 400 }, REJECTED],
  [{ dialect: 'sglang', fixture: 'sglang-error-401', status: 401 }, MISCONFIGURED],
  [{ dialect: 'sglang', fixture: 'sglang-error-503-queue', status: 503 }, UNAVAILABLE],
  [{ dialect: 'sglang', fixture: 'sglang-chat-queue-full' }, UNAVAILABLE],
  [{ dialect: 'tgi', fixture: 'tgi-error-422-context', status: 422 }, TOO_LONG],
  [{ dialect: 'tgi', fixture: 'tgi-chat-context' }, TOO_LONG],
  [{ dialect: 'tgi', fixture: 'tgi-error-422-type', status: 422 }, REJECTED],
  [{ dialect: 'tgi', fixture: 'tgi-chat-validation' }, REJECTED],
  [{ dialect: 'tgi', fixture: 'tgi-error-424', status: 424 }, UNAVAILABLE],
  [{ dialect: 'tgi', fixture: 'tgi-error-429', status: 429 }, UNAVAILABLE],
  [{ dialect: 'tgi', fixture: 'tgi-chat-overloaded' }, UNAVAILABLE],
  [{ dialect: 'ollama', fixture: 'ollama-error-400', status: 400 }, REJECTED],
  [{ dialect: 'ollama', fixture: 'ollama-error-404-model', status: 404 }, MISCONFIGURED],
  [{ dialect: 'ollama', fixture: 'ollama-error-499', status: 499 }, UNAVAILABLE],
  [{ dialect: 'ollama', fixture: 'ollama-error-503-busy', status: 503 }, UNAVAILABLE],
  [{ dialect: 'trtllm', fixture: 'trtllm-error-400-context', status: 400 }, TOO_LONG],
  [{ dialect: 'trtllm', fixture: 'trtllm-chat-context' }, TOO_LONG],
  [{ dialect: 'trtllm', fixture: 'trtllm-error-400-extra', status: 400 }, REJECTED],
  [{ dialect: 'trtllm', fixture: 'trtllm-error-500', status: 500 }, UNAVAILABLE],
  [{ dialect: 'azure', fixture: 'azure-error-400-context', status: 400 }, TOO_LONG],
  [{ dialect: 'azure', fixture: 'azure-error-400-content-filter', status: 400 }, REJECTED],
  [{ dialect: 'azure', fixture: 'azure-error-401', status: 401 }, MISCONFIGURED],
  [{ dialect: 'azure', fixture: 'azure-error-404-deployment', status: 404 }, MISCONFIGURED],
  [
    { dialect: 'azure', fixture: 'azure-error-429', status: 429, headers: { 'retry-after': '7' } },
    UNAVAILABLE,
  ],
  [{ dialect: 'anthropic', fixture: 'anthropic-error-400-context', status: 400 }, TOO_LONG],
  [{ dialect: 'anthropic', fixture: 'anthropic-chat-context' }, TOO_LONG],
  [{ dialect: 'anthropic', fixture: 'anthropic-error-400-value', status: 400 }, REJECTED],
  [{ dialect: 'anthropic', fixture: 'anthropic-error-400-credit', status: 400 }, MISCONFIGURED],
  [{ dialect: 'anthropic', fixture: 'anthropic-error-401', status: 401 }, MISCONFIGURED],
  [{ dialect: 'anthropic', fixture: 'anthropic-error-529', status: 529 }, UNAVAILABLE],
  [{ dialect: 'anthropic', fixture: 'anthropic-chat-overloaded' }, UNAVAILABLE],
]

/** What comes before a stream breaks, and what clients are told then. */
export const BREAKS = [
  ['sglang', 'sglang-chat-died', 'Hello', 'pool_stream_error'],
  ['tgi', 'tgi-chat-died', 'Hello', 'pool_stream_error'],
  ['ollama', 'ollama-chat-runner-gone', 'Hello', 'stream_truncated'],
  ['trtllm', 'trtllm-chat-died', 'Hello', 'pool_stream_error'],
  ['azure', 'azure-chat-error', 'Hi', 'pool_stream_error'],
  ['anthropic', 'anthropic-chat-error', 'Hello', 'pool_stream_error'],
  ['anthropic', 'anthropic-chat-truncated', 'Hello th', 'stream_truncated'],
] as const satisfies readonly (readonly [Dialect, string, string, string])[]

/** Pools that are full, each nearer than another one that serves its model. */
export const FULL: readonly Recorded[] = [
  { dialect: 'sglang', fixture: 'sglang-chat-queue-full' },
  { dialect: 'tgi', fixture: 'tgi-chat-overloaded' },
  { dialect: 'anthropic', fixture: 'anthropic-chat-overloaded' },
]
