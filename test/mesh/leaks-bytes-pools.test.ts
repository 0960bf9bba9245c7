/**
 * Pools in the EU do all that pools do wrong, among it repeating what they were asked, under marked requests of tenants of the EU.
 * No mark is found in anything that is stored, logged, told beside an answer, or sent to a pool elsewhere.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ANSWER_MARK,
  EU_POOLS,
  OPEN_KEY,
  OUTSIDE,
  startByteWatch,
  type ByteWatch,
} from '../support/byte-watch.ts'
import { CHAT, isMarked, markedAsking, outcome, STREAM, type MarkedAsking } from '../support/marked-asking.ts'
import type { Misdeed } from '../support/marked-pools.ts'

const GREEDY = { temperature: 0 }
const LONG_MS = 120_000
const WAIT = { timeout: 40_000, interval: 200 }

let watch: ByteWatch
let marking: MarkedAsking
beforeAll(async () => {
  watch = await startByteWatch()
  marking = markedAsking(watch)
})
afterAll(() => watch.stop())

describe('a pool in the EU', () => {
  const does = (what: Misdeed | undefined): void => {
    for (const pool of EU_POOLS) watch.pools[pool].does(what)
  }
  /** Until what was learnt of the pools is forgotten. */
  async function untilWell(): Promise<void> {
    does(undefined)
    await expect
      .poll(async () => isMarked(await marking.ask('FRA', marking.marked(), { temperature: 1 })), WAIT)
      .toBe(true)
  }
  const asked = (): number =>
    EU_POOLS.reduce(
      (sum, id) => sum + watch.pools[id].received.filter(({ method }) => method === 'POST').length,
      0,
    )

  test(
    'dies in mid-answer, and the other one goes on',
    async () => {
      for (const form of [GREEDY, STREAM, { ...GREEDY, stream: true, max_tokens: 20 }]) {
        const tokens = 'max_tokens' in form ? 20 : 30
        const before = asked()
        // Whichever is asked first.
        does({ kind: 'dies', afterTokens: 5, left: { answers: 1 } })
        const answer = await marking.ask('FRA', marking.marked(), form)
        expect([answer.error, answer.text.split(ANSWER_MARK).length - 1]).toEqual([undefined, tokens])
        expect(asked() - before).toBe(2)
        await untilWell()
      }
    },
    LONG_MS,
  )

  const misdeeds = [
    ['repeats what it was asked in a refusal', { kind: 'echoes', status: 400 }],
    ['repeats what it was asked in a failure', { kind: 'echoes', status: 500 }],
    ['answers something else', { kind: 'garbage' }],
    ['dies at once', { kind: 'dies', afterTokens: 0 }],
    ['dies always', { kind: 'dies', afterTokens: 4 }],
  ] as const
  test.each(misdeeds)(
    '%s',
    async (_name, misdeed) => {
      const before = asked()
      for (const body of [{ temperature: 1 }, { temperature: 1, stream: true }, GREEDY, STREAM]) {
        does(misdeed)
        const answer = await marking.ask('FRA', marking.marked(), body)
        expect(answer.error).toEqual(expect.any(String))
        does(misdeed)
        await watch.note(
          await marking.post(
            'AMS',
            { model: 'story', input: marking.marked() },
            { path: '/v1/embeddings', key: OPEN_KEY },
          ),
        )
      }
      expect(asked()).toBeGreaterThan(before)
      await untilWell()
    },
    LONG_MS,
  )

  test(
    'sends on to a pool that is not: nobody follows',
    async () => {
      for (const path of ['/v1/chat/completions', '/v1/embeddings']) {
        does({ kind: 'redirects', to: `${watch.pools['us-east'].url}${path}` })
        const before = asked()
        for (const body of [{ temperature: 1 }, STREAM]) {
          const embedding = { model: 'story', input: marking.marked() }
          const answer =
            path === CHAT
              ? await marking.ask('FRA', marking.marked(), body)
              : await marking.noted(await marking.post('FRA', embedding, { path }))
          expect(outcome(answer)).toBe('503 no_eligible_pool')
        }
        expect(asked()).toBeGreaterThan(before)
        await untilWell()
      }
    },
    LONG_MS,
  )
})

test(
  'no byte of what was asked is found anywhere, and the pools elsewhere were asked nothing',
  async () => {
    for (const pool of OUTSIDE) {
      expect(watch.pools[pool].received.filter(({ method }) => method === 'POST')).toEqual([])
    }
    const { found, bytes } = await watch.search()
    expect(found).toEqual([])
    // Guards the test itself.
    expect(bytes).toBeGreaterThan(100_000)
    expect(watch.mesh.logs.length).toBeGreaterThan(40)
  },
  LONG_MS,
)
