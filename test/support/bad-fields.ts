/** Fields of a body with values that they must not have, and fields that no body may have. */
import { DENIED_FIELDS } from '../../shared/schema/denied-fields.ts'
import { bodyWith, HELLO, refusal, written, type BadBody } from './bad-body.ts'

/** By field, values that it must not have. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  max_tokens: [0, -1, 1e9, 1.5, '5', true, [], {}, Number.MAX_SAFE_INTEGER + 1],
  max_completion_tokens: [0, -1, 1e9, 1.5, '5'],
  n: [1000, 0, -1, 1.5, '2'],
  temperature: ['hot', -0.1, 2.1, [], {}],
  top_p: [-0.1, 1.1, '1'],
  presence_penalty: [-3, 3],
  frequency_penalty: [-3, 'x'],
  stop: [5, '', 'x'.repeat(257), Array.from({ length: 1000 }, () => 'x'), {}],
  seed: [1.5, 'x', 1e300],
  stream: ['yes', 1, 0, 'false', {}],
  stream_options: ['x', true, []],
  user: [5, 'u'.repeat(513), {}],
  metadata: [{ a: 1 }, [], 'x', { ['k'.repeat(65)]: 'x' }],
  logit_bias: [[], { a: 1 }, { 1: 101 }, { 1: 'x' }],
  logprobs: [1, 'yes'],
  top_logprobs: [21, -1, '5'],
  tools: [[], {}, 'x', Array.from({ length: 1000 }, () => ({}))],
  tool_choice: ['sometimes', 5],
  parallel_tool_calls: ['yes'],
  reasoning_effort: [5, 'VERY HIGH', 'x'.repeat(17)],
}

const WRONG_VALUES: readonly BadBody[] = Object.entries(VALUES).flatMap(([field, values]) =>
  values.map((value): BadBody => [
    `${field}: ${JSON.stringify(value).slice(0, 30)}`,
    bodyWith({ [field]: value }),
    refusal('invalid_parameter', field),
  ]),
)

const WRONG_FIELDS: readonly BadBody[] = [
  [
    'max_tokens beyond a double',
    written('"messages":[{"role":"user","content":"a"}],"max_tokens":1e400'),
    refusal('invalid_parameter', 'max_tokens'),
  ],
  [
    'a number of two thousand digits',
    written(`"messages":[{"role":"user","content":"a"}],"seed":${'9'.repeat(2000)}`),
    refusal('invalid_parameter', 'seed'),
  ],
  [
    'limits that contradict each other',
    bodyWith({ max_tokens: 5, max_completion_tokens: 6 }),
    refusal('invalid_parameter', 'max_tokens'),
  ],
  [
    'a stop that is a number, the third',
    bodyWith({ stop: ['a', 'b', 5] }),
    refusal('invalid_parameter', 'stop[2]'),
  ],
  ['an unknown field', bodyWith({ frobnicate: true }), refusal('unsupported_parameter')],
  [
    'an unknown field of a tool',
    bodyWith({ tools: [{ type: 'function', function: { name: 'f', shell: 'x' } }] }),
    refusal('unsupported_parameter'),
  ],
  [
    'a response format that is none',
    bodyWith({ response_format: { type: 'xml' } }),
    refusal('invalid_parameter', 'response_format.type'),
  ],
  ['an assistant id', bodyWith({ functions: [] }), refusal('unsupported_parameter', 'functions')],
  ...[...DENIED_FIELDS].map((field): BadBody => [
    `the forbidden field ${field}`,
    bodyWith({ [field]: 1 }),
    refusal('unsupported_parameter', field),
  ]),
]

function completion(changes: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ model: 'story', prompt: 'Once', max_tokens: 2, ...changes })
}

export const BAD_COMPLETIONS: readonly BadBody[] = [
  ['no prompt', '{"model":"story"}', refusal('missing_parameter', 'prompt')],
  ...[5, '', [], {}, ['a', 'b'], [[1], [2]], [-1], [1.5], [2 ** 40], [null]].map((prompt): BadBody => [
    `a prompt that is ${JSON.stringify(prompt)}`,
    completion({ prompt }),
    refusal('invalid_parameter', 'prompt'),
  ]),
  ['messages', completion({ messages: HELLO }), refusal('unsupported_parameter', 'messages')],
  ['a suffix that is a number', completion({ suffix: 5 }), refusal('invalid_parameter', 'suffix')],
  ['best_of above n', completion({ best_of: 5 }), refusal('invalid_parameter', 'best_of')],
  ['logprobs above five', completion({ logprobs: 6 }), refusal('invalid_parameter', 'logprobs')],
  ...[...DENIED_FIELDS].map((field): BadBody => [
    `the forbidden field ${field}`,
    completion({ [field]: true }),
    refusal('unsupported_parameter', field),
  ]),
]

export const BAD_FIELDS: readonly BadBody[] = [...WRONG_VALUES, ...WRONG_FIELDS]
