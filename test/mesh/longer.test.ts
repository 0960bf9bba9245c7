/** An answer that ended by its token limit goes on for who asks for more, and is cut for who asks for less. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { said, startOneEngine, tokensOf, type OneEngineMesh } from '../support/one-engine.ts'

const STREAM = { stream: true, stream_options: { include_usage: true } }
const FORMS = [
  ['JSON', {}],
  ['streams', STREAM],
] as const
const LONG_MS = 60_000
const WAIT = { timeout: 20_000, interval: 20 }

let one: OneEngineMesh
beforeAll(async () => {
  one = await startOneEngine()
})
afterAll(() => one.mesh.stop())
beforeEach(() => one.engine.clearFaults())

describe.each(FORMS)('asked for as %s', (_form, form) => {
  test(
    'ten tokens grow to fifty and to all there are, by just those that were not there',
    async () => {
      const { prompt, whole } = await one.aStory()
      let tokens = 0
      const words: unknown[] = []
      for (const limit of [10, 50, 200]) {
        const expected = await one.uninterrupted(prompt, { max_tokens: limit })
        const before = one.made()
        const answer = await one.ask(prompt, { max_tokens: limit, ...form })
        words.push(answer.word)
        expect(said(answer)).toEqual(said(expected))
        expect(one.since(before)).toEqual({ generations: 1, tokens: tokensOf(expected) - tokens })
        tokens = tokensOf(expected)
      }
      expect(words).toEqual(['miss', 'extended', 'extended'])

      // It has ended by itself now, and is an answer to everyone.
      const before = one.made()
      for (const limit of [undefined, 1000, 200, 50, 10, 5, 1]) {
        const answer = await one.ask(prompt, { max_tokens: limit, ...form }, { colo: 'AMS' })
        const { text, finish, usage } = answer
        expect([limit, answer.word]).toEqual([limit, 'hit'])
        expect(whole.text.startsWith(text)).toBe(true)
        const isCut = limit !== undefined && limit < tokens
        expect([finish, usage]).toMatchObject([
          isCut ? 'length' : 'stop',
          { completion_tokens: isCut ? limit : tokens },
        ])
      }
      expect(one.since(before)).toEqual({ generations: 0, tokens: 0 })
      const cut = await one.ask(prompt, { max_tokens: 5, ...form })
      expect(said(cut)).toEqual(said(await one.uninterrupted(prompt, { max_tokens: 5 })))
    },
    LONG_MS,
  )

  test('what had a limit is not taken for the beginning of what has none', async () => {
    const { prompt, whole } = await one.aStory()
    expect((await one.ask(prompt, { max_tokens: 10, ...form })).word).toBe('miss')
    const answer = await one.ask(prompt, form)
    expect(answer.word).toBe('miss')
    expect(said(answer)).toEqual(said(whole))
    const short = await one.ask(prompt, { max_tokens: 10, ...form })
    expect([short.word, short.finish, tokensOf(short)]).toEqual(['hit', 'length', 10])
  })

  test('a limit of one grows by one', async () => {
    const prompt = one.fresh()
    for (let limit = 1; limit <= 12; limit += 1) {
      const before = one.made()
      const answer = await one.ask(prompt, { max_tokens: limit, ignore_eos: true, ...form })
      expect([limit, answer.word]).toEqual([limit, limit === 1 ? 'miss' : 'extended'])
      expect(one.since(before)).toEqual({ generations: 1, tokens: 1 })
      expect(said(answer)).toEqual(
        said(await one.uninterrupted(prompt, { max_tokens: limit, ignore_eos: true })),
      )
    }
  })
})

describe('while it is being made', () => {
  const ENDLESS = { ignore_eos: true }

  function both(index: number): object {
    return index % 2 === 0 ? {} : STREAM
  }

  test.each([
    ['the shortest', 10],
    ['the longest', 80],
  ])(
    'after %s all other limits cost one more generation at most, and no token twice',
    async (_name, first) => {
      const prompt = one.fresh()
      one.engine.setFaults({ slow_factor: 10 })
      const before = one.made()
      const beginning = one.ask(prompt, { max_tokens: first, ...ENDLESS, ...STREAM })
      await expect.poll(() => one.since(before).tokens, WAIT).toBeGreaterThan(2)
      const limits = Array.from({ length: 15 }, (_, index) => 10 + index * 5)
      const answers = await Promise.all(
        limits.map((limit, index) => one.ask(prompt, { max_tokens: limit, ...ENDLESS, ...both(index) })),
      )
      answers.push(await beginning)
      const { generations, tokens } = one.since(before)
      expect(generations).toBe(first === 80 ? 1 : 2)
      expect(tokens).toBe(80)
      one.engine.clearFaults()
      for (const [index, limit] of [...limits, first].entries()) {
        const answer = answers[index]
        const expected = await one.uninterrupted(prompt, { max_tokens: limit, ...ENDLESS })
        expect({ limit, ...(answer && (said(answer) as object)) }).toEqual({
          limit,
          ...(said(expected) as object),
        })
        expect(['miss', 'coalesced', 'hit', 'extended']).toContain(answer?.word)
      }
    },
    LONG_MS,
  )

  test('an answer without a limit is cut for all who have one', async () => {
    const { prompt, whole } = await one.aStory()
    one.engine.setFaults({ slow_factor: 10 })
    const before = one.made()
    const beginning = one.ask(prompt, STREAM)
    await expect.poll(() => one.since(before).tokens, WAIT).toBeGreaterThan(2)
    const limits = [20, 30, 40, 50]
    const answers = await Promise.all(
      limits.map((limit, index) => one.ask(prompt, { max_tokens: limit, ...both(index) })),
    )
    expect(said(await beginning)).toEqual(said(whole))
    expect(one.since(before)).toEqual({ generations: 1, tokens: tokensOf(whole) })
    one.engine.clearFaults()
    for (const [index, limit] of limits.entries()) {
      const answer = answers[index]
      expect(answer && said(answer)).toEqual(said(await one.uninterrupted(prompt, { max_tokens: limit })))
    }
  })

  test('one extension serves all who wait for it', async () => {
    const prompt = one.fresh()
    await one.ask(prompt, { max_tokens: 10, ...ENDLESS })
    one.engine.setFaults({ slow_factor: 10 })
    const before = one.made()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        one.ask(
          prompt,
          { max_tokens: 40, ...ENDLESS, ...both(index) },
          { colo: index % 3 === 0 ? 'AMS' : 'FRA' },
        ),
      ),
    )
    expect(one.since(before)).toEqual({ generations: 1, tokens: 30 })
    one.engine.clearFaults()
    const expected = said(await one.uninterrupted(prompt, { max_tokens: 40, ...ENDLESS }))
    for (const answer of answers) expect(said(answer)).toEqual(expected)
    const words = answers.map(({ word }) => word)
    expect(words).toContain('extended')
    for (const word of words) expect(['extended', 'coalesced', 'hit']).toContain(word)
  })

  test('who leaves ends the extension that was for it alone, and what there is goes on later', async () => {
    const prompt = one.fresh()
    await one.ask(prompt, { max_tokens: 10, ...ENDLESS })
    one.engine.setFaults({ slow_factor: 20 })
    const before = one.made()
    const leave = new AbortController()
    const response = await one.send(
      prompt,
      { max_tokens: 400, ...ENDLESS, ...STREAM },
      { signal: leave.signal },
    )
    expect(response.headers.get('x-mesh-cache')).toBe('extended')
    await expect.poll(() => one.since(before).tokens, WAIT).toBeGreaterThan(2)
    leave.abort()
    await expect.poll(() => one.engine.stats().running, WAIT).toBe(0)
    one.engine.clearFaults()
    const short = await one.ask(prompt, { max_tokens: 10, ...ENDLESS })
    expect(said(short)).toEqual(said(await one.uninterrupted(prompt, { max_tokens: 10, ...ENDLESS })))
    const rest = await one.ask(prompt, { max_tokens: 60, ...ENDLESS })
    expect(['hit', 'extended']).toContain(rest.word)
    expect(said(rest)).toEqual(said(await one.uninterrupted(prompt, { max_tokens: 60, ...ENDLESS })))
  })
})
