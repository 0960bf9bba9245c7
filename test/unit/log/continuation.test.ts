import { describe, expect, test } from 'vitest'
import {
  continuationBody,
  isContinuable,
  isCuttable,
  remainingTokens,
  wellFormedPart,
} from '../../../shared/log/continuation.ts'
import type { GenerationRequest } from '../../../shared/schema/request.ts'
import { adapters } from '../../../workers/adapters/index.ts'

type Body = GenerationRequest['body']

const ASKED = [{ role: 'user', content: 'Tell me a story.' }]

function chat(body: Body = {}, tokenLimit?: number): GenerationRequest {
  return { ...COMMON, surface: 'chat', body: { messages: ASKED, ...body }, ...limited(tokenLimit) }
}

function completions(body: Body = {}, tokenLimit?: number): GenerationRequest {
  return { ...COMMON, surface: 'completions', body: { prompt: 'Once', ...body }, ...limited(tokenLimit) }
}

const COMMON = { model: 'm', stream: true, includeUsage: false, hints: {} }

function limited(tokenLimit: number | undefined) {
  return tokenLimit === undefined ? {} : { tokenLimit }
}

/** A field, a value of it, and whether an answer under it can be finished by a second engine, and be cut. */
type Field = readonly [name: string, value: unknown, isContinuable: boolean, isCuttable: boolean, why: string]

const FIELDS: readonly Field[] = [
  ['messages', ASKED, true, true, 'the text so far follows them'],
  ['prompt', 'Once', true, true, 'the text so far follows it'],
  ['max_tokens', 9, true, true, 'what is left of it is known'],
  ['max_completion_tokens', 9, true, true, 'what is left of it is known'],
  ['temperature', 0, true, true, 'shapes one token at a time'],
  ['top_p', 0.9, true, true, 'shapes one token at a time'],
  ['top_k', 5, true, true, 'shapes one token at a time'],
  ['min_p', 0.1, true, true, 'shapes one token at a time'],
  ['typical_p', 0.9, true, true, 'shapes one token at a time'],
  ['top_n_sigma', 1, true, true, 'shapes one token at a time'],
  ['seed', 7, true, true, 'says nothing where nothing is drawn; whether something is, is not asked here'],
  ['logit_bias', { 5: 1 }, true, true, 'shapes one token at a time'],
  ['allowed_token_ids', [1, 2], true, true, 'shapes one token at a time'],
  ['ignore_eos', true, true, true, 'shapes one token at a time'],
  ['skip_special_tokens', false, true, true, 'is about writing, not choosing'],
  ['spaces_between_special_tokens', false, true, true, 'is about writing, not choosing'],
  ['repetition_penalty', 1.1, true, true, "looks at the prompt's tokens as at the answer's"],
  ['repeat_penalty', 1.1, true, true, "looks at the prompt's tokens as at the answer's"],
  [
    'stop',
    ['\n'],
    false,
    false,
    'is looked for in what the engine itself wrote, and what may become one is held back',
  ],
  [
    'stop',
    '\n',
    false,
    false,
    'is looked for in what the engine itself wrote, and what may become one is held back',
  ],
  ['stop', [], true, false, 'changes nothing'],
  ['stop_token_ids', [7], true, false, 'is about one token'],
  ['include_stop_str_in_output', true, true, true, 'is about writing, not choosing'],
  ['n', 2, false, false, 'is several answers'],
  ['n', 1, true, true, 'is one answer'],
  ['presence_penalty', 0.5, false, false, 'looks at generated tokens only, in vLLM'],
  ['presence_penalty', 0, true, true, 'changes nothing'],
  ['frequency_penalty', 0.5, false, false, 'looks at generated tokens only, in vLLM'],
  ['frequency_penalty', 0, true, true, 'changes nothing'],
  [
    'bad_words',
    ['two words'],
    false,
    false,
    'looks at generated tokens only: one begun before the seam is not seen',
  ],
  ['tools', [{ type: 'function' }], false, false, 'a call is more than text'],
  ['tools', [], true, true, 'changes nothing'],
  ['tool_choice', 'auto', false, false, 'a call is more than text'],
  ['parallel_tool_calls', true, false, false, 'a call is more than text'],
  ['response_format', { type: 'json_object' }, false, false, 'a grammar would begin anew'],
  ['response_format', { type: 'json_schema', json_schema: {} }, false, false, 'a grammar would begin anew'],
  ['response_format', { type: 'text' }, true, true, 'changes nothing'],
  ['logprobs', true, false, true, 'they are of tokens, and a text has none; each event has its own'],
  ['logprobs', 3, false, true, 'they are of tokens, and a text has none; each event has its own'],
  ['logprobs', 0, false, true, 'they are of tokens, on completions without alternatives too'],
  ['logprobs', false, true, true, 'changes nothing'],
  ['top_logprobs', 3, false, true, 'they are of tokens, and a text has none; each event has its own'],
  ['reasoning_effort', 'low', false, false, 'what was thought is not in the text'],
  ['include_reasoning', true, false, false, 'what was thought is not in the text'],
  ['suffix', 'the end.', false, false, 'the text so far would not stand before it'],
  ['min_tokens', 9, false, false, 'would be counted from the seam'],
  ['add_special_tokens', false, false, false, 'changes how the prompt is read'],
  ['guided_json', {}, false, false, 'a grammar would begin anew'],
  ['guided_regex', 'a+', false, false, 'a grammar would begin anew'],
  ['guided_choice', ['a'], false, false, 'a grammar would begin anew'],
  ['guided_grammar', 'root', false, false, 'a grammar would begin anew'],
  ['structured_outputs', {}, false, false, 'a grammar would begin anew'],
  ['grammar', 'root', false, false, 'a grammar would begin anew'],
  ['json_schema', {}, false, false, 'a grammar would begin anew'],
  ['xtc_probability', 0.5, false, false, 'draws'],
  ['xtc_threshold', 0.1, false, false, 'draws'],
  ['dynatemp_range', 0.5, false, false, 'is about drawing'],
  ['dynatemp_exponent', 1, false, false, 'is about drawing'],
  ['mirostat', 2, false, false, 'keeps a state'],
  ['mirostat_tau', 5, false, false, 'keeps a state'],
  ['mirostat_eta', 0.1, false, false, 'keeps a state'],
  ['repeat_last_n', 64, false, false, 'a window that the seam could shift'],
  ['repeat_last_n', -1, true, true, 'is all there is'],
  ['dry_multiplier', 0.8, false, false, 'keeps a state'],
  ['dry_base', 1.75, false, false, 'keeps a state'],
  ['dry_allowed_length', 2, false, false, 'keeps a state'],
  ['dry_penalty_last_n', -1, false, false, 'keeps a state'],
  ['dry_sequence_breakers', ['\n'], false, false, 'keeps a state'],
  ['samplers', ['top_k'], false, false, 'may name any of these'],
  ['regex', 'a+', false, false, 'a grammar would begin anew'],
  ['ebnf', 'root ::= "a"', false, false, 'a grammar would begin anew'],
  ['stop_regex', 'a+', false, false, 'is looked for in what the engine itself wrote'],
  ['no_stop_trim', true, false, false, 'is about a stop that may have begun before the seam'],
  ['separate_reasoning', false, false, false, 'what was thought is not in the text'],
  ['stream_reasoning', false, false, false, 'what was thought is not in the text'],
  ['top_p_min', 0.1, false, false, 'decays with the tokens that the engine itself wrote'],
  ['opened_by_the_operator', 1, false, false, 'nothing is known of it'],
  ['__proto__', 1, false, false, 'nothing is known of it'],
  ['toString', 1, false, false, 'nothing is known of it'],
]

describe('a field', () => {
  test.each(FIELDS)(
    '%s: %j lets an answer be finished by another engine: %s, and be cut: %s; it %s',
    (name, value, continuable, cuttable) => {
      const body = Object.fromEntries([[name, value]])
      const request = name === 'prompt' || name === 'suffix' ? completions(body) : chat(body)
      expect({ continuable: isContinuable(request), cuttable: isCuttable(request) }).toEqual({
        continuable,
        cuttable,
      })
    },
  )

  test('of every dialect has been thought about', () => {
    const known = Object.values(adapters).flatMap(({ fields }) => [...fields.chat, ...fields.completions])
    const listed = new Set(FIELDS.map(([name]) => name))
    expect([...new Set(known)].filter((name) => name !== 'model' && !listed.has(name))).toEqual([])
  })

  test('among others speaks for all of them', () => {
    expect(isContinuable(chat({ temperature: 0, seed: 7, mirostat: 2 }))).toBe(false)
    expect(isContinuable(chat({ temperature: 0, max_tokens: 9, logit_bias: {} }))).toBe(true)
  })
})

describe('where the text goes', () => {
  test.each<[string, GenerationRequest, boolean, boolean]>([
    ['after a user', chat(), true, true],
    ['after a tool', chat({ messages: [...ASKED, { role: 'tool', content: '4' }] }), true, true],
    [
      'after an assistant, whose message would become one with it',
      chat({ messages: [...ASKED, { role: 'assistant', content: 'Once' }] }),
      false,
      true,
    ],
    ['after no messages', chat({ messages: [] }), false, true],
    ['after messages that are none', chat({ messages: 'x' }), false, true],
    ['after a prompt', completions(), true, true],
    ['after an empty prompt', completions({ prompt: '' }), true, true],
    ['after several prompts', completions({ prompt: ['a', 'b'] }), false, false],
    ['after token ids', completions({ prompt: [1, 2] }), false, false],
  ])('%s: it can go on %s, be cut %s', (_name, request, continuable, cuttable) => {
    expect({ continuable: isContinuable(request), cuttable: isCuttable(request) }).toEqual({
      continuable,
      cuttable,
    })
  })
})

describe('the body by which a pool goes on', () => {
  const partial = { text: ' upon a', tokens: 3 }

  test('of a chat has the text as the beginning of the answer, and what is left of the limit', () => {
    expect(continuationBody(chat({ temperature: 0, max_completion_tokens: 20 }, 20), partial)).toEqual({
      messages: [...ASKED, { role: 'assistant', content: ' upon a' }],
      temperature: 0,
      max_completion_tokens: 17,
    })
  })

  test('of completions has the text at the end of the prompt', () => {
    expect(continuationBody(completions({ stop: ['x'], max_tokens: 20 }, 20), partial)).toEqual({
      prompt: 'Once upon a',
      stop: ['x'],
      max_tokens: 17,
    })
  })

  test('has both limits where both were given, and none where none was', () => {
    expect(continuationBody(chat({ max_tokens: 20, max_completion_tokens: 20 }, 20), partial)).toMatchObject({
      max_tokens: 17,
      max_completion_tokens: 17,
    })
    expect(Object.keys(continuationBody(chat(), partial))).toEqual(['messages'])
  })

  test('has the reader’s own limit where the log was made under another', () => {
    expect(continuationBody(chat({ max_tokens: 30 }, 30), partial)).toMatchObject({ max_tokens: 27 })
  })

  test('has no half of a character', () => {
    const half = { text: ' upon \ud83d', tokens: 3 }
    expect(continuationBody(completions(), half)).toEqual({ prompt: 'Once upon ' })
    expect(continuationBody(chat(), half)).toEqual({
      messages: [...ASKED, { role: 'assistant', content: ' upon ' }],
    })
  })

  test('leaves the request as it was', () => {
    const request = chat({ max_tokens: 20 }, 20)
    continuationBody(request, partial)
    expect(request.body).toEqual({ messages: ASKED, max_tokens: 20 })
  })
})

test.each([
  [20, 3, 17],
  [20, 20, 0],
  [20, 21, 0],
  [undefined, 3, undefined],
  [20, undefined, undefined],
])('of a limit of %s, after %s tokens, %s are left', (limit, tokens, left) => {
  expect(remainingTokens(limit, { text: 'a', ...(tokens === undefined ? {} : { tokens }) })).toBe(left)
})

test.each([
  ['', ''],
  ['a', 'a'],
  ['😀', '😀'],
  ['a\ud83d', 'a'],
  ['\ud83d', ''],
  ['\ude00', '\ude00'],
  ['\ud83da', '\ud83da'],
])('of %j, %j can be sent', (text, part) => {
  expect(wellFormedPart(text)).toBe(part)
})
