import { describe, expect, test } from 'vitest'
import { plainTextOf, plainTextOfEvent, plainTextOfEvents } from '../../../shared/log/plain-text.ts'

describe('the text of a chat delta', () => {
  test.each<[string, unknown, string | undefined]>([
    ['text', { delta: { content: 'a' } }, 'a'],
    ['text and role', { delta: { role: 'assistant', content: 'a' } }, 'a'],
    ['a role alone', { delta: { role: 'assistant' } }, ''],
    ['a role and null', { delta: { role: 'assistant', content: null } }, ''],
    ['an empty delta', { delta: {} }, ''],
    [
      'an empty delta and a finish',
      { delta: {}, finish_reason: 'stop', stop_reason: 128_001, matched_stop: 2 },
      '',
    ],
    ['text and a finish', { delta: { content: 'a' }, finish_reason: 'length' }, 'a'],
    [
      'text and nulls',
      { delta: { content: 'a', refusal: null, reasoning_content: null }, logprobs: null },
      'a',
    ],
    ['text and empty strings and lists', { delta: { content: 'a', reasoning: '', tool_calls: [] } }, 'a'],
    ['half a surrogate pair', { delta: { content: '\ud83d' } }, '\ud83d'],
    ['the first choice by its number', { index: 0, delta: { content: 'a' } }, 'a'],
    ['another choice', { index: 1, delta: { content: 'a' } }, undefined],
    ['reasoning', { delta: { reasoning_content: 'hm' } }, undefined],
    ['text and reasoning', { delta: { content: 'a', reasoning: 'hm' } }, undefined],
    ['a tool call', { delta: { tool_calls: [{ index: 0 }] } }, undefined],
    ['a function call', { delta: { function_call: { name: 'f' } } }, undefined],
    ['a refusal', { delta: { refusal: 'no' } }, undefined],
    ['text and log probabilities', { delta: { content: 'a' }, logprobs: { content: [] } }, undefined],
    ['text and token ids', { delta: { content: 'a' }, token_ids: [1] }, undefined],
    ['text and no token ids', { delta: { content: 'a' }, token_ids: null }, 'a'],
    ['a number unknown to us', { delta: { content: 'a', score: 0 } }, undefined],
    ['content in parts', { delta: { content: [{ type: 'text', text: 'a' }] } }, undefined],
    ['no delta', { finish_reason: 'stop' }, undefined],
    ['a delta that is none', { delta: 'a' }, undefined],
    ["completions' text", { text: 'a' }, undefined],
  ])('is, for %s', (_name, choice, text) => {
    expect(plainTextOf('chat', [choice as Record<string, unknown>])).toBe(text)
  })
})

describe('the text of a completions choice', () => {
  test.each<[string, unknown, string | undefined]>([
    ['text', { text: 'a' }, 'a'],
    ['empty text and a finish', { text: '', finish_reason: 'length', stop_reason: null }, ''],
    ['no text', { index: 0 }, ''],
    ['text and log probabilities', { text: 'a', logprobs: { tokens: ['a'] } }, undefined],
    ['text that is none', { text: 1 }, undefined],
    ['another choice', { index: 1, text: 'a' }, undefined],
  ])('is, for %s', (_name, choice, text) => {
    expect(plainTextOf('completions', [choice as Record<string, unknown>])).toBe(text)
  })
})

test('there is none of several choices, or of no choice', () => {
  const choice = { delta: { content: 'a' } }
  expect(plainTextOf('chat', [choice, choice])).toBeUndefined()
  expect(plainTextOf('chat', [])).toBeUndefined()
})

describe('the text of events', () => {
  const said = (text: string): string => JSON.stringify({ choices: [{ delta: { content: text } }] })

  test('is that of all of them', () => {
    expect(
      plainTextOfEvents('chat', ['{"choices":[{"delta":{"role":"assistant"}}]}', said('a'), said('b')]),
    ).toBe('ab')
    expect(plainTextOfEvents('chat', [])).toBe('')
    expect(plainTextOfEvent('completions', '{"choices":[{"text":"a"}],"fp":"x"}')).toBe('a')
  })

  test.each([
    ['a call', '{"choices":[{"delta":{"tool_calls":[{}]}}]}'],
    ['no choices', '{"object":"x"}'],
    ['an empty list of choices', '{"choices":[]}'],
    ['choices that are no objects', '{"choices":[1]}'],
    ['something that is no object', '[]'],
  ])('there is none with %s among them', (_name, members) => {
    expect(plainTextOfEvents('chat', [said('a'), members, said('b')])).toBeUndefined()
    expect(plainTextOfEvent('chat', members)).toBeUndefined()
  })

  test('throws at what is no JSON', () => {
    expect(() => plainTextOfEvents('chat', ['{'])).toThrow(SyntaxError)
  })
})
