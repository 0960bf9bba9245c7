/** Wrong keys slow down the address they come from, and nobody who was right before. */
import { expect, test } from 'vitest'
import { createKeyGuesses, type RateLimit } from '../../../../workers/stores/key-guesses.ts'

function setUp(limiter?: RateLimit) {
  const clock = { nowMs: 0 }
  const work: Promise<unknown>[] = []
  const guesses = createKeyGuesses({ now: () => clock.nowMs }, limiter)
  const wrong = (address: string, times: number): void => {
    for (let at = 0; at < times; at += 1) guesses.wasWrong(address, (each) => work.push(each))
  }
  return { clock, guesses, wrong, settled: () => Promise.all(work) }
}

test('twenty wrong keys of a minute are enough, and a minute later it may try again', () => {
  const { clock, guesses, wrong } = setUp()
  wrong('192.0.2.1', 19)
  expect(guesses.isSlowed('192.0.2.1', 'x')).toBe(false)
  wrong('192.0.2.1', 1)
  expect([guesses.isSlowed('192.0.2.1', 'x'), guesses.isSlowed('192.0.2.2', 'x')]).toEqual([true, false])
  clock.nowMs = 60_000
  expect(guesses.isSlowed('192.0.2.1', 'x')).toBe(false)
})

test('whoever was right before goes on at the same address', () => {
  const { guesses, wrong } = setUp()
  guesses.wasRight('known')
  wrong('192.0.2.1', 100)
  expect([guesses.isSlowed('192.0.2.1', 'known'), guesses.isSlowed('192.0.2.1', 'other')]).toEqual([
    false,
    true,
  ])
})

test('where no address is known nothing is counted', () => {
  const { guesses, wrong } = setUp()
  wrong('', 100)
  expect(guesses.isSlowed('', 'x')).toBe(false)
})

test('the limiter of the data centre slows an address that this isolate has hardly seen', async () => {
  const asked: string[] = []
  const { guesses, wrong, settled } = setUp({
    limit: ({ key }) => {
      asked.push(key)
      return Promise.resolve({ success: false })
    },
  })
  wrong('192.0.2.1', 1)
  await settled()
  expect([asked, guesses.isSlowed('192.0.2.1', 'x')]).toEqual([['192.0.2.1'], true])
})

test('a limiter that fails limits nobody', async () => {
  const { guesses, wrong, settled } = setUp({ limit: () => Promise.reject(new Error('gone')) })
  wrong('192.0.2.1', 1)
  await settled()
  expect(guesses.isSlowed('192.0.2.1', 'x')).toBe(false)
})
