/** A log shard that is restarted, in the middle of an answer or between two, or that finds its rows spoiled, costs no client a character. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from '../support/answer.ts'
import { evictLogShards, inLogShards } from '../support/objects.ts'
import { said, startOneEngine, type OneEngineMesh } from '../support/one-engine.ts'
import { restartObjects } from '../support/restart.ts'

const STREAM = { stream: true, stream_options: { include_usage: true } }
const TOKENS = 60
const STORY = { max_tokens: TOKENS, ignore_eos: true }
const LONG_MS = 120_000
const WAIT = { timeout: 20_000, interval: 5 }

let one: OneEngineMesh
beforeAll(async () => {
  one = await startOneEngine({
    engine: { prefillOverheadMs: 50, interTokenLatencyMs: 10, maxNumSeqs: 32 },
    changes: { log: { open_within_ms: 10_000, shards_per_home: 1 } },
  })
})
afterAll(() => one.mesh.stop())
beforeEach(() => one.engine.clearFaults())

/** Restarts the shard when so many tokens have been generated, at the latest when the answers are there. */
async function restartAfter(tokens: number, answers: Promise<unknown>): Promise<void> {
  const before = one.made()
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  answers.then(over, over)
  await expect.poll(() => isOver || one.since(before).tokens >= tokens, WAIT).toBe(true)
  await restartObjects(one.mesh)
}

describe('restarted in the middle of an answer', () => {
  const READERS = [
    ['one stream', [STREAM]],
    ['one JSON', [{}]],
    ['five readers', [STREAM, {}, STREAM, {}, STREAM]],
  ] as const

  test.each(READERS)(
    '%s: each has the whole of it',
    async (_name, forms) => {
      const before = one.made()
      const positions = [0, 1, 2, 10, 20, 30, 40, 50, 58]
      for (const after of positions) {
        const prompt = one.fresh()
        const answers = Promise.all(
          forms.map((form, index) =>
            one.ask(prompt, { ...STORY, ...form }, { colo: index % 2 === 0 ? 'FRA' : 'AMS' }),
          ),
        )
        await restartAfter(after, answers)
        const expected = said(await one.uninterrupted(prompt, STORY))
        for (const answer of await answers) expect({ after, ...said(answer) }).toEqual({ after, ...expected })
      }
      // Guards the test itself: beside the two that every round takes, readers were helped to the rest of theirs.
      expect(one.since(before).generations).toBeGreaterThan(3 * positions.length - 4)
    },
    LONG_MS,
  )

  test('readers with limits of their own have each its own', async () => {
    const prompt = one.fresh()
    const limits = [20, 35, 50, 60]
    const answers = Promise.all(
      limits.map((limit, index) =>
        one.ask(prompt, { ...STORY, max_tokens: limit, ...(index % 2 === 0 ? STREAM : {}) }),
      ),
    )
    await restartAfter(12, answers)
    for (const [index, answer] of (await answers).entries()) {
      const limit = limits[index] ?? 0
      const expected = await one.uninterrupted(prompt, { ...STORY, max_tokens: limit })
      expect({ limit, ...said(answer) }).toEqual({ limit, ...said(expected) })
    }
  })

  test('what no pool can go on with is an error, and never an answer that looks whole', async () => {
    const body = { ...STORY, logprobs: true, ...STREAM }
    const answer = one.ask(one.fresh(), body)
    await restartAfter(10, answer)
    const { error, finish } = await answer
    expect([error, finish]).toEqual(['stream_truncated', null])
  })

  test('twice: each has the whole of it', async () => {
    const prompt = one.fresh()
    const answers = Promise.all([STREAM, {}].map((form) => one.ask(prompt, { ...STORY, ...form })))
    await restartAfter(10, answers)
    await restartAfter(10, answers)
    const expected = said(await one.uninterrupted(prompt, STORY))
    for (const answer of await answers) expect(said(answer)).toEqual(expected)
  })

  test(
    'what was written by then is not generated again for who comes after',
    async () => {
      const prompt = one.fresh()
      // A log is written every two seconds.
      const body = { ...STORY, max_tokens: 400 }
      const before = one.made()
      const first = one.ask(prompt, { ...body, ...STREAM })
      const segments = () => inLogShards(one.mesh, 'SELECT take FROM take_segment JOIN take USING (take)')
      const known = (await segments()).length
      await expect.poll(async () => (await segments()).length, WAIT).toBe(known + 1)
      await restartObjects(one.mesh)
      const late = await one.ask(prompt, body, { colo: 'AMS' })
      const expected = said(await one.uninterrupted(prompt, body))
      expect([late.word, said(late)]).toEqual(['extended', expected])
      expect(said(await first)).toEqual(expected)
      // The first answer, its rest for the first reader and the late one (together, where the one was still being made
      // when the other came), and the one it is compared to.
      const { generations, tokens } = one.since(before)
      expect([3, 4]).toContain(generations)
      expect(tokens).toBeLessThan(400 * 4 - 200)
      expect((await one.ask(prompt, body)).word).toBe('hit')
    },
    LONG_MS,
  )
})

describe('rows that are spoiled', () => {
  const ERRORS = /storage_error.*log_shard.*unreadable/

  test.each([
    ['a segment of noise', 'UPDATE take_segment SET events = randomblob(200)'],
    ['a segment that was cut', 'UPDATE take_segment SET events = substr(events, 1, length(events) - 1)'],
    ['an empty segment', "UPDATE take_segment SET events = X''"],
    ['a segment that is missing', 'DELETE FROM take_segment'],
    [
      'a segment of another log',
      'UPDATE take_segment SET events = (SELECT events FROM take_segment ORDER BY events LIMIT 1)',
    ],
    ['noise in place of what is known of it', 'UPDATE take SET about = randomblob(200)'],
    ['another take’s name', "UPDATE take SET fingerprint = fingerprint || 'x'"],
  ])('%s: a miss, and another answer in its place', async (name, sql) => {
    const [prompt, other] = [one.fresh(), one.fresh()]
    const body = { max_tokens: 8, ignore_eos: true }
    const first = await one.ask(prompt, body, { colo: 'FRA' })
    await one.ask(other, body, { colo: 'FRA' })
    const rows = () => inLogShards(one.mesh, 'SELECT take FROM take_segment')
    await expect.poll(async () => (await rows()).length, WAIT).toBeGreaterThanOrEqual(2)
    await inLogShards(one.mesh, sql)
    await evictLogShards(one.mesh)
    const known = one.mesh.logs.filter((line) => ERRORS.test(line)).length
    const answers: Answer[] = []
    // The one whose segment is the first of all is whole still.
    for (const each of [prompt, other]) answers.push(await one.ask(each, body, { colo: 'AMS' }))
    const words = answers.map(({ word }) => word)
    expect(words).toContain('miss')
    expect(answers[0] && said(answers[0])).toEqual(said(first))
    expect(answers[1] && said(answers[1])).toEqual(said(await one.uninterrupted(other, body)))
    if (name !== 'another take’s name') {
      const unreadable = () => one.mesh.logs.filter((line) => ERRORS.test(line)).length - known
      await expect.poll(unreadable, WAIT).toBe(words.filter((word) => word === 'miss').length)
    }
    expect((await one.ask(prompt, body, { colo: 'AMS' })).word).toBe('hit')
  })
})
