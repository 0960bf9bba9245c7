import { describe, expect, test } from 'vitest'
import { COMPLETIONS_FIELDS } from '../../../shared/schema/fields.ts'
import { bodyOf, completion, errorOf, invalid } from './parse-body.ts'

describe('a completions request', () => {
  test.each([
    ['Once', 'Once'],
    [['Once'], 'Once'],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
    [[[1, 2, 3]], [1, 2, 3]],
  ])('takes one prompt, however it is wrapped: %j', (prompt, expected) => {
    expect(bodyOf(completion({ prompt }))).toEqual({ prompt: expected })
  })

  test.each([[['a', 'b']], [[[1], [2]]], [[]], [5], [{}]])(
    'refuses anything but one prompt: %j',
    (prompt) => {
      expect(errorOf(completion({ prompt }))).toMatchObject({ reason: 'invalid_parameter', param: 'prompt' })
    },
  )

  test('drops what changes nothing and refuses it otherwise', () => {
    expect(bodyOf(completion({ n: 2, best_of: 2, echo: false }))).toEqual({ prompt: 'Once', n: 2 })
    expect(bodyOf(completion({ best_of: 1 }))).toEqual({ prompt: 'Once' })
    expect(errorOf(completion({ best_of: 2 }))).toEqual(invalid('best_of', 'left out, or equal to n'))
    expect(errorOf(completion({ echo: true }))).toEqual({ reason: 'unsupported_parameter', param: 'echo' })
  })

  test('takes every field that it lists, and no field of chat', () => {
    const full = {
      prompt: 'Once',
      suffix: 'end',
      temperature: 0,
      top_p: 1,
      n: 1,
      stop: 'x',
      max_tokens: 5,
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: {},
      seed: 7,
      logprobs: 5,
    }
    expect(bodyOf(completion(full))).toEqual(full)
    expect(new Set([...Object.keys(full), 'model'])).toEqual(COMPLETIONS_FIELDS)
    expect(errorOf(completion({ tools: [] }))).toEqual({ reason: 'unsupported_parameter', param: 'tools' })
  })
})
