import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { base64Url } from '../../../shared/fingerprint/bytes.ts'
import type { Surface } from '../../../shared/log/frame.ts'
import { answerDigest, answerSalt, createAnswerReader } from '../../../shared/receipt/answer-digest.ts'
import { createFold } from '../../../shared/stream/fold.ts'
import { nodeDigests } from '../fingerprint/node-digests.ts'

const TENANT_KEY = Uint8Array.from({ length: 32 }, (_, index) => index)
const SALT = await answerSalt(TENANT_KEY, 'req_1', nodeDigests)

const digestOf = (choices: unknown): Promise<string> => answerDigest(choices, SALT, nodeDigests)

/** Of the JSON that a client gets which asks for no stream. */
function digestOfJson(surface: Surface, frames: readonly string[]): Promise<string> {
  const fold = createFold(surface)
  for (const members of frames) fold.add({ members })
  const usage = { promptTokens: 1, completionTokens: 1, raw: '{"prompt_tokens":1}' }
  const json = fold.answer({ id: 'chatcmpl-1', createdSeconds: 7, model: 'story', usage })
  return digestOf((JSON.parse(json) as { choices: unknown }).choices)
}

function digestOfStream(surface: Surface, frames: readonly string[]): Promise<string> {
  const reader = createAnswerReader(surface)
  for (const members of frames) reader.add(members)
  return reader.digest(SALT, nodeDigests)
}

/** Half of a pair is in it: a text may be cut within a character. */
const unit = fc.constantFrom('a', ' ', 'é', '日', '😀', '\ud83d', '\ude00', '\n', '"')

const frame = (...choices: readonly object[]): string => JSON.stringify({ choices })
const said = (content: string, index = 0): string => frame({ index, delta: { content } })

describe('the digest of an answer', () => {
  test('is what another program (Python, hmac and json) computes, under the salt it computes', async () => {
    expect(base64Url(SALT)).toBe('mPJ9MtQyfUCz4iZOFBYq_WonsoOvwqtRCp1GjMQ9amY')
    const call = {
      id: 'call_1',
      type: 'function',
      function: { name: 'weather', arguments: '{"city":"Oslo"}' },
    }
    const choices = [
      {
        index: 1,
        message: { role: 'assistant', content: null, reasoning_content: 'hm', tool_calls: [call] },
        finish_reason: 'tool_calls',
      },
      {
        index: 0,
        message: { role: 'assistant', content: 'Grüße, 日本 😀' },
        logprobs: null,
        finish_reason: 'stop',
      },
    ]
    expect(await digestOf(choices)).toBe('yTseR1-FBofwdXa9N7EnsozQ8M47bxYleCjnVGGt2ZM')
    expect(await digestOf([{ index: 0, text: 'once', finish_reason: 'length', logprobs: null }])).toBe(
      'SKG-xQqoJ9zngTt5G2oyjpX110fLssiYq3UBWI8ZRDk',
    )
    for (const none of [[], undefined, 'text']) {
      expect(await digestOf(none)).toBe('iD1wdiqXGoHJ_G5dCG9zw6Zkw7Sw15q-28FV9gaoAlE')
    }
  })

  test('is the same however the text is cut into events, and for one JSON', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.string({ unit }), { minLength: 1, maxLength: 5 }), { maxLength: 3 }),
        fc.boolean(),
        async (texts, hasRoles) => {
          const roles = texts.map((_, index) => frame({ index, delta: { role: 'assistant', content: '' } }))
          const pieces = texts.flatMap((parts, index) => parts.map((part) => said(part, index)))
          const whole = texts.map((parts, index) => said(parts.join(''), index))
          const ends = texts.map((_, index) => frame({ index, delta: {}, finish_reason: 'stop' }))
          const streamed = await digestOfStream('chat', [...(hasRoles ? roles : []), ...pieces, ...ends])
          expect(await digestOfStream('chat', [...whole, ...ends])).toBe(streamed)
          expect(await digestOfJson('chat', [...pieces, ...ends])).toBe(streamed)
        },
      ),
    ))

  test('is the same for a stream and for one JSON of calls, refusals, reasoning and completions', async () => {
    const call = (index: number, id: string | undefined, text: string) =>
      frame({
        index: 0,
        delta: { tool_calls: [{ index, id, function: { ...(id && { name: 'f' }), arguments: text } }] },
      })
    const chats = [
      [call(0, 'call_a', '{"a'), call(1, 'call_b', '{'), call(0, undefined, '":1}'), call(1, undefined, '}')],
      [frame({ index: 0, delta: { refusal: 'I ' } }), frame({ index: 0, delta: { refusal: 'cannot' } })],
      [frame({ index: 0, delta: { reasoning_content: 'so' } }), said('yes')],
      [frame({ index: 0, delta: { reasoning: 'so' } }), said('yes')],
      [frame({ index: 0, delta: { function_call: { name: 'f', arguments: '{}' } } })],
      [frame({ index: 0, delta: { content: '\ud83d' } }), frame({ index: 0, delta: { content: '\ude00' } })],
      [],
    ]
    const digests = []
    for (const frames of chats) {
      const streamed = await digestOfStream('chat', frames)
      expect(await digestOfJson('chat', frames)).toBe(streamed)
      digests.push(streamed)
    }
    expect(new Set(digests).size).toBe(chats.length)
    const completion = [
      frame({ index: 0, text: 'on' }),
      frame({ index: 0, text: 'ce', finish_reason: 'length' }),
    ]
    expect(await digestOfStream('completions', completion)).toBe(
      'SKG-xQqoJ9zngTt5G2oyjpX110fLssiYq3UBWI8ZRDk',
    )
    expect(await digestOfJson('completions', completion)).toBe('SKG-xQqoJ9zngTt5G2oyjpX110fLssiYq3UBWI8ZRDk')
  })

  test('says nothing of what differs between readers, or of what an engine adds', async () => {
    const bare = { index: 0, message: { content: 'yes' }, finish_reason: 'stop' }
    const full = {
      ...bare,
      message: { role: 'assistant', content: 'yes', refusal: null },
      stop_reason: 3,
      logprobs: {},
    }
    expect(await digestOf([full])).toBe(await digestOf([bare]))
  })

  test('is another one for another text, end, call, place of a text, or salt', async () => {
    const choice = (message: object, more: object = {}) => [
      { index: 0, message, finish_reason: 'stop', ...more },
    ]
    const call = (id: string, name: string, text: string) => ({
      tool_calls: [{ id, function: { name, arguments: text } }],
    })
    const all = [
      choice({ content: 'yes' }),
      choice({ content: 'yes ' }),
      choice({ content: 'Yes' }),
      choice({ content: 'yes' }, { finish_reason: 'length' }),
      choice({ content: 'yes' }, { finish_reason: null }),
      choice({ content: 'yes' }, { index: 1 }),
      choice({ refusal: 'yes' }),
      choice({ reasoning: 'yes' }),
      choice({}, { text: 'yes' }),
      [...choice({ content: 'yes' }), ...choice({ content: 'yes' }, { index: 1 })],
      choice(call('a', 'f', '{}')),
      choice(call('b', 'f', '{}')),
      choice(call('a', 'g', '{}')),
      choice(call('a', 'f', '{ }')),
    ]
    const digests = await Promise.all(all.map(digestOf))
    const otherSalt = await answerSalt(TENANT_KEY, 'req_2', nodeDigests)
    const otherKey = await answerSalt(TENANT_KEY.toReversed(), 'req_1', nodeDigests)
    for (const salt of [otherSalt, otherKey]) digests.push(await answerDigest(all[0], salt, nodeDigests))
    expect(new Set(digests).size).toBe(all.length + 2)
  })
})
