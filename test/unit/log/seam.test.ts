import { describe, expect, test } from 'vitest'
import type { PartialAnswer } from '../../../shared/log/continuation.ts'
import type { Frame, Surface, Usage } from '../../../shared/log/frame.ts'
import { createSeam } from '../../../shared/log/seam.ts'
import { call, role, say, usage } from './a-log.ts'

const ONCE: PartialAnswer = { text: 'Once upon a time, ', tokens: 5 }
/** Longer than any token. */
const LONG = 'Once upon a time, in a land far away, there lived a king. '

function join(partial: PartialAnswer, frames: readonly Frame[], surface: Surface = 'chat'): Frame[] {
  const seam = createSeam(surface, partial, undefined)
  return frames.map((frame) => seam.join(frame)).filter((frame) => frame !== undefined)
}

function textOf(partial: PartialAnswer, frames: readonly Frame[]): string {
  const joined = join(partial, frames)
  for (const { members, text } of joined) expect(JSON.parse(members).choices[0].delta.content).toBe(text)
  return joined.map(({ text }) => text).join('')
}

describe('frames of the continuing pool', () => {
  test('go on where the text ended, and count on', () => {
    expect(join(ONCE, [role(0), say('there', 1), say(' was', 2), say('', 3, 'stop')])).toEqual([
      say('there', 6),
      say(' was', 7),
      say('', 8, 'stop'),
    ])
  })

  test('do so on completions', () => {
    const frames = [say('there', 1, undefined, 'completions'), say('', 1, 'length', 'completions')]
    expect(join(ONCE, frames, 'completions')).toEqual([
      say('there', 6, undefined, 'completions'),
      say('', 6, 'length', 'completions'),
    ])
  })

  test('have no role a second time, be it with the first text', () => {
    const members =
      '{"choices":[{"index":0,"delta":{"role":"assistant","content":"there"},"finish_reason":null}],"fp":"x"}'
    expect(join(ONCE, [role(), role(0), { ...say('there', 1), members }])).toEqual([
      {
        ...say('there', 6),
        members: '{"choices":[{"index":0,"delta":{"content":"there"},"finish_reason":null}],"fp":"x"}',
      },
    ])
    const hidden = '{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}'
    expect(join(ONCE, [{ ...say('', 1), members: hidden }, say('é', 2)])).toEqual([say('', 6), say('é', 7)])
  })

  test('keep what the pool wrote of its finish', () => {
    const members =
      '{"choices":[{"index":0,"delta":{"content":"."},"logprobs":null,"finish_reason":"stop","stop_reason":"x"}]}'
    const [frame] = join(ONCE, [{ ...say('.', 1, 'stop'), members }])
    expect(frame).toEqual({ ...say('.', 6, 'stop'), members })
  })

  test('may be nothing but the finish', () => {
    const [frame] = join(ONCE, [role(), say('', 1, 'stop')])
    expect(frame).toMatchObject({ completionTokens: 6, finishes: [{ index: 0, reason: 'stop' }], text: '' })
  })

  test('keep tokens that do not show, which the pool has counted', () => {
    expect(
      join(ONCE, [say('', 1), say('', 2), say('世', 3), say('', 4), say('é', 5)]).map(
        (frame) => frame.completionTokens,
      ),
    ).toEqual([6, 7, 8, 9, 10])
  })

  test('have no count where that of the beginning is not known, or their own', () => {
    expect(join({ text: ONCE.text }, [say('there', 1)])).toEqual([say('there')])
    expect(join(ONCE, [say('there'), say(' was')])).toEqual([say('there'), say(' was')])
  })

  test('that are more than text are counted on, and else left alone', () => {
    expect(join(ONCE, [call(1), call()])).toEqual([call(6), call()])
  })
})

describe('an echo in the first delta', () => {
  test.each<[string, PartialAnswer, Frame[], string]>([
    ['is taken off', ONCE, [say(`${ONCE.text}there`, 1), say(' was', 2)], 'there was'],
    ['that comes alone is not shown', ONCE, [say(ONCE.text, 0), say('there', 1)], 'there'],
    ['after the role is taken off', ONCE, [role(), say(`${ONCE.text}there`, 1)], 'there'],
    ['is taken off with the finish left', ONCE, [say(ONCE.text, 1, 'stop')], ''],
    ['of a long text is taken off without counts', { text: LONG }, [say(`${LONG}He`), say(' was')], 'He was'],
    [
      'of a long text is taken off where only one side counts',
      { text: LONG, tokens: 16 },
      [say(`${LONG}He`)],
      'He',
    ],
    [
      'is taken off once',
      ONCE,
      [say(`${ONCE.text}${ONCE.text}`, 2), say(ONCE.text, 7)],
      `${ONCE.text}${ONCE.text}`,
    ],
    ['that comes later is the model', ONCE, [say('x', 1), say(ONCE.text, 2)], `x${ONCE.text}`],
    ['of another text is none', ONCE, [say('Once upon a time. ', 1)], 'Once upon a time. '],
    ['of a part is none', ONCE, [say('Once upon', 1)], 'Once upon'],
    [
      'in as many tokens as it had is the model that repeats itself',
      ONCE,
      [say(`${ONCE.text}x`, 6)],
      `${ONCE.text}x`,
    ],
    ['in more than half of them is, too', ONCE, [say(ONCE.text, 3)], ONCE.text],
    ['of a long text in as many tokens is, too', { text: LONG, tokens: 16 }, [say(LONG, 16)], LONG],
    ['of a single token is, too', { text: 'ha', tokens: 1 }, [say('ha', 1)], 'ha'],
    ['of two tokens that could be one is, too', { text: 'haha', tokens: 2 }, [say('haha', 1)], 'haha'],
    ['of a short text without counts is, too', { text: ' very' }, [say(' very'), say(' big')], ' very big'],
  ])('%s', (_name, partial, frames, text) => {
    expect(textOf(partial, frames)).toBe(text)
  })

  test('of nothing is none', () => {
    expect(textOf({ text: '', tokens: 0 }, [say('a', 1)])).toBe('a')
  })
})

describe('a text that ends in the middle of a character', () => {
  const HALF: PartialAnswer = { text: 'Hi \ud83d', tokens: 1 }

  test.each<[string, Frame[], string]>([
    ['is completed by what is new of it', [say('😀', 1), say('!', 2)], '\ude00!'],
    ['is completed where it comes in two halves again', [say('\ud83d', 1), say('\ude00', 2)], '\ude00'],
    ['is completed after an echo of what could be sent', [say('Hi 😀', 0)], '\ude00'],
    ['stays so where the pool goes on otherwise', [say('?', 1)], '?'],
  ])('%s', (_name, frames, text) => {
    const partial = frames[0]?.completionTokens === 0 ? { ...HALF, tokens: 3 } : HALF
    expect(textOf(partial, frames)).toBe(text)
  })

  test('is written as JSON that stays whole', () => {
    expect(join(HALF, [say('😀', 1)])[0]?.members).toBe(
      String.raw`{"choices":[{"index":0,"delta":{"content":"\ude00"},"finish_reason":null}]}`,
    )
  })
})

describe('the counts of the whole', () => {
  test('have the prompt once, and the tokens of all parts', () => {
    const before = { promptTokens: 7, completionTokens: 4, cachedTokens: 3, raw: '{}' }
    const second = { promptTokens: 12, completionTokens: 9, cachedTokens: 12, raw: '{}' }
    expect(createSeam('chat', ONCE, before).count(second)).toEqual({
      promptTokens: 7,
      completionTokens: 14,
      cachedTokens: 3,
      raw: '{"prompt_tokens":7,"completion_tokens":14,"total_tokens":21,"prompt_tokens_details":{"cached_tokens":3}}',
    })
  })

  test('keep unknown cached tokens unknown', () => {
    expect(createSeam('chat', ONCE, usage(4)).count({ ...usage(9), cachedTokens: 5 })).toEqual({
      promptTokens: 7,
      completionTokens: 14,
      raw: '{"prompt_tokens":7,"completion_tokens":14,"total_tokens":21}',
    })
  })

  test('have the prompt that the second states, less the beginning, where the first stated none', () => {
    const second = { promptTokens: 12, completionTokens: 9, raw: '{}' }
    const count = (stated: Usage) => createSeam('chat', ONCE, undefined).count(stated)
    expect(count(second)).toMatchObject({ promptTokens: 7, completionTokens: 14 })
    expect(count({ ...second, cachedTokens: 3 })).toMatchObject({ promptTokens: 7, cachedTokens: 3 })
    // It had the beginning cached as well.
    expect(count({ ...second, cachedTokens: 11 })).toMatchObject({ promptTokens: 7, cachedTokens: 7 })
    // A pool that counts otherwise states no prompt of less than nothing.
    expect(count({ ...second, promptTokens: 2 })).toMatchObject({ promptTokens: 0 })
  })

  test('are unknown where those of the beginning are', () => {
    expect(createSeam('chat', { text: 'a' }, usage(4)).count(usage(9))).toBeUndefined()
  })
})
