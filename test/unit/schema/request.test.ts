import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHAT_FIELDS, GATEWAY_ONLY_FIELDS, OUT_OF_FINGERPRINT_FIELDS } from '../../../shared/schema/fields.ts'
import { chatRequest } from '../../../shared/schema/chat-request.ts'
import { completionsRequest } from '../../../shared/schema/completions-request.ts'
import { readModel } from '../../../shared/schema/request.ts'
import { bodyOf, chat, errorOf, fieldsOf, hello, invalid, message, parse } from './parse-body.ts'

describe('bad values', () => {
  test.each([
    [undefined, invalid('body', 'a JSON object')],
    [null, invalid('body', 'a JSON object')],
    [[], invalid('body', 'a JSON object')],
    ['x', invalid('body', 'a JSON object')],
    [{}, { reason: 'missing_parameter', param: 'model' }],
    [{ model: null }, { reason: 'missing_parameter', param: 'model' }],
    [{ model: 5 }, invalid('model', 'a string of 1 to 128 characters')],
    [{ model: '' }, invalid('model', 'a string of 1 to 128 characters')],
    [{ model: 'm' }, { reason: 'missing_parameter', param: 'messages' }],
    [
      { model: 'm', messages: null },
      { reason: 'missing_parameter', param: 'messages' },
    ],
    [{ model: 'm', messages: 'x' }, invalid('messages', 'an array of at least one message')],
    [{ model: 'm', messages: [] }, invalid('messages', 'an array of at least one message')],
    [{ model: 'm', messages: Array(5).fill(hello) }, invalid('messages', 'an array of at most 4 messages')],
  ])('of a whole body: %j', (value, error) => {
    expect(errorOf(parse('chat', value))).toEqual(error)
  })
})

test('repeats no name or value of a body in an error, wherever the mistake is', () => {
  const marked = (value: unknown) => JSON.stringify(value).includes('MARKER')
  const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme-ascii' })
  const known = fc.constantFrom(...CHAT_FIELDS, ...GATEWAY_ONLY_FIELDS, 'role', 'content', 'type', 'text')
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, json, fc.constant('MARKER'), tie('object'), fc.array(tie('any'))),
    object: fc.dictionary(
      fc.oneof(
        known,
        fc.string().map((text) => `MARKER${text}`),
      ),
      tie('any'),
      { noNullPrototype: true },
    ),
  })).any
  const field = fc.constantFrom(...CHAT_FIELDS, ...GATEWAY_ONLY_FIELDS)
  let refused = 0
  fc.assert(
    fc.property(field, value, (name, wrong) => {
      const result = chat({ [name]: wrong })
      if (result.ok) return
      refused += 1
      expect(marked(result.error)).toBe(false)
    }),
    { numRuns: 1000 },
  )
  expect(refused).toBeGreaterThan(500)
  expect(marked(errorOf(message({ role: 'MARKER' })))).toBe(false)
  expect(marked(errorOf(message({ role: 'user', content: [{ type: 'MARKER' }] })))).toBe(false)
  expect(marked(errorOf(chat({ MARKER: 1 })))).toBe(false)
})

test('a body that was parsed is parsed again to the same', () => {
  const first = chat({ temperature: 0, stop: ['a'], tools: null, n: 2 })
  expect(bodyOf(parse('chat', { model: 'm', ...bodyOf(first) }))).toEqual(bodyOf(first))
})

test('checks every field of the lists, so that none passes as an unchecked extra', () => {
  const checked = { chat: chatRequest.shape, completions: completionsRequest.shape }
  for (const surface of ['chat', 'completions'] as const) {
    const names = [...fieldsOf[surface], ...GATEWAY_ONLY_FIELDS].filter((name) => name !== 'model')
    expect(names.filter((name) => !Object.hasOwn(checked[surface], name))).toEqual([])
  }
  expect(OUT_OF_FINGERPRINT_FIELDS.has('max_tokens')).toBe(true)
})

test('reads the model of any body before anything else is known', () => {
  expect(readModel({ model: 'a/b', messages: 5 })).toEqual({ ok: true, value: 'a/b' })
  expect(readModel(7)).toMatchObject({ ok: false, error: { param: 'body' } })
})
