import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PromptParts } from '../../../shared/affinity/anchors.ts'
import { anchorsOf } from '../../../shared/affinity/anchors.ts'
import { chat, completion, conversation, ids, idsOf, says, text } from './prompts.ts'

const LONG = text(600)
/** One for each character of `LONG`, its code. */
const TOKEN_IDS = Array.from(LONG, (letter) => letter.charCodeAt(0))
const SEED = 'a secret'

function bytesOf(prompt: PromptParts): readonly number[] {
  return anchorsOf(prompt, SEED).list.map(({ bytes }) => bytes)
}

describe('where anchors are', () => {
  test.each<[string, PromptParts, readonly number[]]>([
    ['a prompt under 512 bytes has none', says(text(500)), []],
    ['an empty conversation has none', chat([]), []],
    ['from 512 bytes on its end is one', says(text(508)), [512]],
    ['depths double from 1 KiB', says(text(9000)), [1024, 2048, 4096, 8192, 9004]],
    ['a depth falls after the characters that it is in', completion('語'.repeat(400)), [1026, 1200]],
    [
      'each end of a message is one, in the order of depth',
      chat([
        { role: 'system', content: text(594) },
        { role: 'user', content: text(596) },
        { role: 'assistant', content: text(91) },
      ]),
      [600, 1024, 1200, 1300],
    ],
    ['a depth at the end of a message is not its end', says(text(1020)), [1024, 1024]],
    ['the end of the tools is one', chat([], { tools: [{ type: text(600) }] }), [611]],
    ['a completion has its depths and its end', completion(text(2000)), [1024, 2000]],
    ['a token id counts as four bytes', completion(Array.from({ length: 300 }, (_, at) => at)), [1024, 1200]],
    ['an image counts as 4 KiB at most', says([image(text(100_000))]), [4100, 4100]],
  ])('%s', (_name, prompt, expected) => {
    expect(bytesOf(prompt)).toEqual(expected)
  })

  test('of many messages the last sixteen ends are anchors', () => {
    const messages = Array.from({ length: 100 }, (_, at) => ({ role: 'user', content: text(96, at * 100) }))
    const ends = Array.from({ length: 16 }, (_, at) => 8500 + at * 100)
    expect(bytesOf(chat(messages))).toEqual([1024, 2048, 4096, 8192, ...ends])
  })

  test('there are never more than 32', () => {
    const messages = Array.from({ length: 34 }, () => ({ role: 'user', content: 'x'.repeat(1_000_000) }))
    expect(bytesOf(chat(messages))).toHaveLength(32)
  })

  test('they are safe integers in the order of depth, none beyond the prompt, which ends with one', () => {
    fc.assert(
      fc.property(conversation, (messages) => {
        const { bytes, list } = anchorsOf(chat(messages), SEED)
        const depths = list.map((anchor) => anchor.bytes)
        expect(depths).toEqual(depths.toSorted((one, other) => one - other))
        expect(depths.at(-1) ?? bytes).toBe(bytes)
        expect(list.every(({ id }) => Number.isSafeInteger(id) && id >= 0)).toBe(true)
        expect(bytes).toBe(Buffer.byteLength(messages.map(({ role, content }) => role + content).join('')))
      }),
    )
  })
})

describe('prompts that differ', () => {
  const base = { role: 'user', content: LONG }
  const prompts: readonly [string, PromptParts][] = [
    ['a message', chat([base])],
    ['another role', chat([{ ...base, role: 'system' }])],
    ['another text', chat([{ ...base, content: `${LONG}.` }])],
    ['a text with a NUL after it', chat([{ ...base, content: `${LONG}\0` }])],
    ['a text with two', chat([{ ...base, content: `${LONG}\0\0` }])],
    ['a name', chat([{ ...base, name: 'a' }])],
    ['another name', chat([{ ...base, name: 'b' }])],
    ['a name in the text', chat([{ ...base, content: `a${LONG}` }])],
    ['tool calls', chat([{ ...base, tool_calls: [{ id: 'a' }] }])],
    ['other tool calls', chat([{ ...base, tool_calls: [{ id: 'b' }] }])],
    ['the id of a tool call', chat([{ ...base, tool_call_id: 'a' }])],
    ['an unknown member', chat([{ ...base, mood: 'a' }])],
    ['another unknown member', chat([{ ...base, mood: 'b' }])],
    ['an unknown member that swaps name and value', chat([{ ...base, moo: 'da' }])],
    ['an unknown member that is an object', chat([{ ...base, mood: { a: 1 } }])],
    ['the text as a part', says([part(LONG)])],
    ['the text in two parts', says([part(LONG.slice(0, 2)), part(LONG.slice(2))])],
    ['the text in two other parts', says([part(LONG.slice(0, 3)), part(LONG.slice(3))])],
    ['an image', says([part(LONG), image('a')])],
    ['another image', says([part(LONG), image('b')])],
    ['images of the same beginning', says([part(LONG), image(`${text(9000)}a`)])],
    ['images of the same beginning, differing later', says([part(LONG), image(`${text(9000)}b`)])],
    ['a part that is no object', says([part(LONG), 'a'])],
    ['no content', chat([base, { role: 'user' }])],
    ['empty content', chat([base, { role: 'user', content: '' }])],
    ['a message that is no object', chat([base, 7])],
    ['tools', chat([base], { tools: [{ type: 'a' }] })],
    ['other tools', chat([base], { tools: [{ type: 'b' }] })],
    ['a completion', completion(LONG)],
    ['a completion of the tokens', completion(TOKEN_IDS)],
  ]

  test('have no anchor at their ends in common', () => {
    const ends = prompts.map(([name, prompt]) => [idsOf(prompt).at(-1), name])
    expect(new Map(ends as [number, string][]).size).toBe(prompts.length)
  })

  test('that divide the same text into messages in other ways have none in common', () => {
    const divided = (at: number) =>
      chat([
        { role: 'user', content: LONG.slice(0, at) },
        { role: 'user', content: LONG.slice(at) },
      ])
    expect(idsOf(divided(1))).not.toEqual(idsOf(divided(2)))
    expect(idsOf(divided(595))).not.toEqual(idsOf(divided(596)))
  })

  test('a hundred thousand that differ little have different ids, spread evenly', () => {
    const beginning = text(512)
    const seen = new Set<number>()
    const buckets = Array.from({ length: 16 }, () => 0)
    const highBuckets = Array.from({ length: 16 }, () => 0)
    for (let at = 0; at < 100_000; at += 1) {
      const [id = NaN] = idsOf(completion(beginning + String(at)))
      seen.add(id)
      for (const [counts, bucket] of [
        [buckets, id % 16],
        [highBuckets, Math.floor(id / 2 ** 49)],
      ] as const) {
        counts[bucket] = (counts[bucket] ?? 0) + 1
      }
    }
    expect(seen.size).toBe(100_000)
    // 6,250 each; five standard deviations of a fair draw are 383.
    for (const count of [...buckets, ...highBuckets]) expect(Math.abs(count - 6250)).toBeLessThan(383)
  })
})

describe('prompts that are the same', () => {
  const base = { role: 'user', content: LONG }

  test.each<[string, PromptParts, PromptParts]>([
    ['sampling changes nothing', chat([base]), chat([base], { temperature: 1, max_tokens: 7, seed: 3 })],
    ['the order of members changes nothing', chat([base]), chat([{ content: LONG, role: 'user' }])],
    ['nor does it among unknown members', chat([{ ...base, a: 1, b: 2 }]), chat([{ b: 2, a: 1, ...base }])],
    ['null is the same as none', chat([base]), chat([{ ...base, name: null }], { tools: null })],
    ['a list of one prompt is that prompt', completion(LONG), completion([LONG])],
    ['also one of token ids', completion(TOKEN_IDS), completion([TOKEN_IDS])],
  ])('%s', (_name, one, other) => {
    expect(idsOf(one)).toEqual(idsOf(other))
    expect(idsOf(one)).not.toEqual([])
  })

  test('a conversation that goes on keeps the anchor of every earlier end, while it is among the last sixteen', () => {
    fc.assert(
      fc.property(conversation, conversation, (before, after) => {
        const longer = anchorsOf(chat([...before, ...after]), SEED)
        const { bytes, list } = anchorsOf(chat(before), SEED)
        const end = list.at(-1)
        if (end === undefined || after.length > 15) return
        expect(longer.list).toContainEqual(end)
        expect(longer.bytes).toBeGreaterThanOrEqual(bytes)
      }),
    )
  })

  test('turn by turn, each turn finds the end of the one before', () => {
    const messages: unknown[] = [{ role: 'system', content: LONG }]
    let end = idsOf(chat(messages)).at(-1)
    for (let turn = 0; turn < 30; turn += 1) {
      messages.push(
        { role: 'user', content: text(300, turn) },
        { role: 'assistant', content: text(700, -turn) },
      )
      const now = idsOf(chat(messages))
      expect(now).toContain(end)
      end = now.at(-1)
    }
  })

  test('equal beginnings share the depths before the first difference, and no anchor after it', () => {
    const length = fc.integer({ min: 0, max: 9000 })
    fc.assert(
      fc.property(length, length, fc.boolean(), (shared, rest, isChat) => {
        const prompt = isChat ? says : completion
        const one = anchorsOf(prompt(`${text(shared)}a${text(rest)}`), SEED).list
        const other = anchorsOf(prompt(`${text(shared)}b${text(rest)}`), SEED).list
        const differsAt = shared + (isChat ? 4 : 0)
        // Two units are taken in at a time: the last one before the difference may be taken in together with it.
        const before = one.filter(({ bytes }) => bytes < differsAt)
        expect(other.slice(0, before.length)).toEqual(before)
        const after = new Set(one.filter(({ bytes }) => bytes > differsAt).map(({ id }) => id))
        expect(other.filter(({ id }) => after.has(id))).toEqual([])
      }),
    )
  })
})

test('under different seeds the same prompt has no anchor in common', () => {
  fc.assert(
    fc.property(conversation, fc.string(), fc.string(), (messages, one, other) => {
      fc.pre(one !== other)
      const prompt = chat([{ role: 'system', content: text(3000) }, ...messages])
      const known = new Set(ids(anchorsOf(prompt, one)))
      expect(known.size).toBeGreaterThan(2)
      expect(idsOf(prompt, other).filter((id) => known.has(id))).toEqual([])
    }),
  )
})

function part(content: string) {
  return { type: 'text', text: content }
}

function image(url: string) {
  return { type: 'image_url', image_url: { url } }
}
