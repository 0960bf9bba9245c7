import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFold } from '../../../shared/stream/fold.ts'
import { createCallNumbering } from '../../../shared/stream/number-calls.ts'

const READER = { id: 'chatcmpl-1', createdSeconds: 1, model: 'm' } as const

function event(calls: readonly unknown[], index = 0): string {
  return JSON.stringify({ choices: [{ index, delta: { tool_calls: calls }, finish_reason: null }] })
}

function numbersOf(events: readonly string[]): unknown[][] {
  const numberCalls = createCallNumbering()
  return events.map((members) =>
    JSON.parse(numberCalls(members)).choices.flatMap(
      (choice: { delta: { tool_calls: { index: unknown }[] } }) =>
        choice.delta.tool_calls.map((call) => call.index),
    ),
  )
}

describe('calls without numbers', () => {
  test('are counted by their ids, and a piece without an id belongs to the call before it', () => {
    const begin = (id: string, index?: null) => ({ index, id, function: { name: 'f', arguments: '' } })
    const goOn = { index: null, function: { arguments: '{' } }
    expect(
      numbersOf([
        event([begin('a', null)]),
        event([goOn]),
        event([begin('b'), goOn]),
        event([{ function: { arguments: '}' } }]),
        event([{ id: 'a', function: { arguments: '}' } }]),
      ]),
    ).toEqual([[0], [0], [1, 1], [1], [0]])
  })

  test('are counted for each choice apart', () => {
    const call = (id: string) => [{ id, function: { name: 'f', arguments: '{}' } }]
    const events = [event(call('a')), event(call('b'), 1), event(call('c'), 1), event(call('d'))]
    expect(numbersOf(events)).toEqual([[0], [0], [1], [1]])
  })

  test('are all that is changed in a frame', () => {
    const members =
      '{"system_fingerprint":"x","choices":[{"index":0,"delta":{"content":"ö\\ud83c","tool_calls":[{"index":null,"id":"a","type":"function","function":{"name":"f","arguments":"{"}}]},"logprobs":null}],"rest":[1]}'
    expect(createCallNumbering()(members)).toBe(members.replace('"index":null', '"index":0'))
  })
})

test.each([
  ['numbered calls', '{"choices": [{"delta": {"tool_calls": [{"index": 3, "id": "a"}, {"index": 1.0}]}}]}'],
  ['a text', '{"choices": [{"delta": {"content": "\\"tool_calls\\": [{\\"index\\": null}]"}}]}'],
  ['no calls', '{"choices": [{"delta": {"tool_calls": null}}, {"delta": {"tool_calls": []}}, {}]}'],
  ['calls that are none', '{"choices": [{"delta": {"tool_calls": ["a", null, 5]}}, 7]}'],
  ['no choices', '{"tool_calls": [{}], "choices": "x"}'],
])('a frame with %s stays as it was written', (_what, members) => {
  expect(createCallNumbering()(members)).toBe(members)
})

test('whatever numbers are left out of calls that come one after the other, the answer is the same', () => {
  const pieces = fc.array(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 5,
  })
  fc.assert(
    fc.property(pieces, fc.infiniteStream(fc.boolean()), (calls, leaveOut) => {
      const deltas = calls.flatMap((texts, index) =>
        texts.map((text, at) => ({
          index,
          ...(at === 0 ? { id: `call_${index}`, type: 'function' } : {}),
          function: { ...(at === 0 ? { name: 'f' } : {}), arguments: text },
        })),
      )
      const bare = deltas.map((delta) => (leaveOut.next().value ? { ...delta, index: null } : delta))
      const numberCalls = createCallNumbering()
      const written = bare.map((delta) => numberCalls(event([delta])))
      expect(written).toEqual(deltas.map((delta) => event([delta])))
      expect(fold(written)).toBe(fold(deltas.map((delta) => event([delta]))))
    }),
  )
})

function fold(frames: readonly string[]): string {
  const folded = createFold('chat')
  for (const members of frames) folded.add({ members })
  return folded.answer(READER)
}
