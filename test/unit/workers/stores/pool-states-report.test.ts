/** What an isolate tells its region's monitor: all it has seen, once, unless it has seen too much. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aWorld, over, sent, served, TOKENS, use } from './a-region-view.ts'

const MAX_OBSERVATIONS = 256

test('a report is what was seen, what was sent and what is under way, and each only once', () => {
  const { view } = aWorld()
  expect(view.hasNews()).toBe(false)
  view.dispatched('p', sent(1))
  view.dispatched('p', sent(2))
  view.dispatched('q', sent(2))
  expect(view.hasNews()).toBe(true)
  view.observed(served('q', 2), over(2))
  expect(view.takeReport()).toEqual({
    observer: 'abababababababab',
    observations: [served('q', 2)],
    inFlight: { p: 2 },
    sentTokens: { p: 2 * TOKENS, q: TOKENS },
  })
  expect(view.takeReport()).toMatchObject({ observations: [], inFlight: { p: 2 }, sentTokens: {} })
})

test('what is under way is told again and again, and that nothing is any more once', () => {
  const { view } = aWorld()
  view.dispatched('p', sent(1))
  expect(view.takeReport().inFlight).toEqual({ p: 1 })
  expect(view.hasNews()).toBe(true)
  expect(view.takeReport().inFlight).toEqual({ p: 1 })
  view.left('p', over(1))
  expect(view.hasNews()).toBe(true)
  expect(view.takeReport().inFlight).toEqual({})
  expect(view.hasNews()).toBe(false)
})

test('a report is told again where it did not arrive, in front of what came since', () => {
  const { view } = aWorld()
  use(view, 'p', 1)
  const lost = view.takeReport()
  use(view, 'p', 50)
  view.giveBack(lost)
  expect(view.hasNews()).toBe(true)
  const { observations, sentTokens } = view.takeReport()
  expect(observations.map(({ askedAtMs }) => askedAtMs)).toEqual([1, 1, 50, 50])
  expect(sentTokens).toEqual({ p: 2 * TOKENS })
})

test('the oldest is left out where nobody takes reports', () => {
  const { view } = aWorld()
  for (let atMs = 1; atMs <= 1000; atMs += 1) view.observed(served('p', atMs), over(atMs))
  const report = view.takeReport()
  expect(report.observations).toHaveLength(MAX_OBSERVATIONS)
  expect(report.observations.at(-1)).toEqual(served('p', 1000))
  for (let atMs = 1001; atMs <= 1003; atMs += 1) view.observed(served('p', atMs), over(atMs))
  view.giveBack(report)
  const again = view.takeReport().observations
  expect(again).toHaveLength(MAX_OBSERVATIONS)
  expect(again.at(0)).toEqual(served('p', 1000 - MAX_OBSERVATIONS + 4))
  expect(again.at(-1)).toEqual(served('p', 1003))
})

test('nothing within the bound is lost, whichever reports get lost', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('use', 'told', 'lost'), { maxLength: 60 }), (steps) => {
      const { view } = aWorld()
      const heard: number[] = []
      let tokens = 0
      let uses = 0
      const tell = (arrives: boolean): void => {
        const report = view.takeReport()
        if (!arrives) return view.giveBack(report)
        heard.push(...report.observations.map(({ askedAtMs }) => askedAtMs))
        tokens += report.sentTokens['p'] ?? 0
      }
      for (const step of steps) {
        if (step === 'use') use(view, 'p', (uses += 1))
        else tell(step === 'told')
      }
      tell(true)
      expect(heard).toEqual(Array.from({ length: 2 * uses }, (_, index) => (index >> 1) + 1))
      expect(tokens).toBe(uses * TOKENS)
    }),
  )
})
