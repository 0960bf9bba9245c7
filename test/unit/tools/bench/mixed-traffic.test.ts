import { expect, test } from 'vitest'
import { planTraffic, sendTraffic } from '../../../../tools/bench/mixed-traffic.ts'

const OPTIONS = { seed: 1, colos: ['FRA', 'IAD'], requestsPerColo: 200, perSecond: 4 }
const plan = planTraffic(OPTIONS)
const wordsOf = (text: string | undefined): number => text?.split(' ').length ?? 0

test('a plan is the same for the same seed, and in order', () => {
  expect(planTraffic(OPTIONS)).toEqual(plan)
  expect(planTraffic({ ...OPTIONS, seed: 9 })).not.toEqual(plan)
  expect(plan.map(({ atMs }) => atMs)).toEqual(plan.map(({ atMs }) => atMs).toSorted((a, b) => a - b))
})

test('every data centre gets its requests, at about the rate', () => {
  for (const colo of OPTIONS.colos) {
    const some = plan.filter((request) => request.colo === colo)
    expect(some).toHaveLength(200)
    expect((some.at(-1)?.atMs ?? 0) / 1000).toBeGreaterThan(50 * 0.75)
    expect((some.at(-1)?.atMs ?? 0) / 1000).toBeLessThan(50 * 1.25)
  }
})

test('prompts that begin are of every size', () => {
  const sizes = plan
    .filter(({ messages }) => messages.length === 1)
    .map(({ messages: [first] }) => wordsOf(first?.content))
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(50)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(8000)
  for (const [least, most] of [
    [50, 150],
    [150, 1000],
    [1000, 8000],
  ] as const) {
    const share = sizes.filter((size) => size >= least && size < most).length / sizes.length
    expect(share).toBeGreaterThan(0.1)
  }
})

test('a conversation goes on from its last request, when that has been answered', () => {
  const later = plan.filter(({ messages }) => messages.length > 1)
  expect(later.length).toBeGreaterThan(plan.length / 5)
  for (const { colo, atMs, messages } of later) {
    const before = plan.filter(
      (other) => other.colo === colo && other.messages.at(-1) === messages.at(-3) && other.atMs < atMs,
    )
    expect(before.some((other) => atMs - other.atMs >= 3000)).toBe(true)
  }
})

test('all are sent, none waiting for another', async () => {
  const [first, ...others] = plan.slice(0, 5).map((request) => ({ ...request, atMs: 0 }))
  if (first === undefined) throw new Error('nothing is planned')
  const sent: unknown[] = []
  let end: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    end = resolve
  })
  const sending = sendTraffic([first, ...others], (request) => {
    sent.push(request)
    if (sent.length === 5) end()
    return held
  })
  await sending
  expect(sent).toEqual([first, ...others])
})
