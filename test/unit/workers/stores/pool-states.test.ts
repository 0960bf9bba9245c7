/** What an isolate knows of the pools: per region it looks from, with what it heard from its monitor, and its retries. */
import { describe, expect, test } from 'vitest'
import { UNMEASURED } from '../../../../shared/pool/pool-measures.ts'
import type { RegionSnapshot } from '../../../../shared/pool/region-snapshot.ts'
import { createPoolMemory } from '../../../../workers/stores/pool-memory.ts'
import type { RegionView } from '../../../../workers/stores/pool-states.ts'
import { aWorld, over, sent, served, shared, snapshot, TOKENS, use } from './a-region-view.ts'

describe('what is under way', () => {
  test('a pool nobody has used is not there, and counting begins at nothing', () => {
    const { view } = aWorld()
    expect(view.all.size).toBe(0)
    view.dispatched('p', sent(1))
    expect(view.all.get('p')).toMatchObject({
      pending: 1,
      waiting: 1,
      waitingTokens: TOKENS,
      waitingSinceMs: 1,
    })
  })

  test('regions do not see each other’s measurements, and each keeps its own', () => {
    const { states } = aWorld()
    states.seenFrom('eu').dispatched('p', sent(1))
    expect(states.seenFrom('us').all.has('p')).toBe(false)
    expect(states.seenFrom('eu').all.get('p')?.pending).toBe(1)
  })

  test('embeddings are seen apart from what streams, of the same region and pool', () => {
    const { states, view } = aWorld()
    const embeddings = states.embeddingsFrom('eu')
    use(embeddings, 'p', 1)
    expect(view.all.has('p')).toBe(false)
    expect(view.hasNews()).toBe(false)
    expect(states.embeddingsFrom('eu')).toBe(embeddings)
    expect(embeddings.all.get('p')?.measures.prefill?.levelMs).toBe(10)
  })

  test('a view shows what happened after it was taken', () => {
    const { states, view } = aWorld()
    states.seenFrom('eu').dispatched('p', sent(1))
    expect(view.all.get('p')?.pending).toBe(1)
  })

  test('what one object of an isolate has learned the others know; what it has under way is its own', () => {
    const memory = createPoolMemory()
    const [one, other] = [aWorld({ memory }).view, aWorld({ memory }).view]
    expect([one.isFresh, other.isFresh]).toEqual([true, true])
    use(one, 'p', 1)
    one.dispatched('p', sent(2))
    expect(other.isFresh).toBe(false)
    expect(other.all.get('p')?.measures).toEqual(one.all.get('p')?.measures)
    expect(other.all.get('p')?.measures.prefill).toBeDefined()
    expect([one.all.get('p')?.pending, other.all.get('p')?.pending]).toEqual([1, 0])
    expect(other.hasNews()).toBe(false)
  })

  test('a dispatch that is left is over, and the monitor is told nothing of how', () => {
    const { view } = aWorld()
    view.dispatched('p', sent(1))
    view.left('p', { ...sent(1), sawFirstToken: false })
    expect(view.all.get('p')).toMatchObject({ pending: 0, waiting: 0, waitingTokens: 0 })
    expect(view.takeReport()).toMatchObject({ observations: [], inFlight: {} })
  })
})

describe('tokens per byte', () => {
  test('are learned from answers whose pool counted the prompt, by model', () => {
    const { view } = aWorld()
    expect(view.tokenRatio('story')).toBeUndefined()
    view.observed(served('p', 1), over(1))
    expect(view.tokenRatio('story')).toBeUndefined()
    view.observed(served('p', 1, { promptTokens: 2000 }), over(1))
    expect(view.tokenRatio('story')?.samples).toBe(1)
    expect(view.tokenRatio('story')?.bytesPerToken).toBeLessThan(4)
    expect(view.tokenRatio('other')).toBeUndefined()
  })

  test('are taken from the region where it has seen more', () => {
    const { view } = aWorld()
    const ratio = { bytesPerToken: 3, samples: 9, bytes: 30, tokens: 10 }
    view.observed(served('p', 1, { promptTokens: 2000 }), over(1))
    view.accept(snapshot(1, { tokenRatios: { story: ratio, other: ratio } }))
    expect(view.tokenRatio('story')).toEqual(ratio)
    expect(view.tokenRatio('other')).toEqual(ratio)
    view.accept(snapshot(2, { tokenRatios: { story: { ...ratio, bytesPerToken: 2, samples: 1 } } }))
    expect(view.tokenRatio('story')).toEqual(ratio)
  })
})

describe('what the monitor tells', () => {
  const MEASURED = { ...UNMEASURED, decode: { completionTokens: 7, totalMs: 70, answers: 3 } }

  test('is known of its pools from then on, beside what is under way here', () => {
    const { view } = aWorld()
    view.dispatched('p', sent(1))
    view.accept(snapshot(5, { pools: { p: shared({ measures: MEASURED, inFlight: 4, isDrained: true }) } }))
    expect(view.all.get('p')).toMatchObject({
      pending: 1,
      measures: MEASURED,
      shared: { atMs: 5, inFlight: 4, isDrained: true },
    })
    expect(view.snapshotAtMs).toBe(5)
  })

  test('does not take away what was measured here', () => {
    const { view } = aWorld()
    use(view, 'p', 1)
    view.accept(snapshot(5))
    expect(view.all.get('p')?.measures.prefill?.levelMs).toBe(10)
  })

  test.each([
    ['older than', 4],
    ['as old as', 5],
  ])('is left out where it is %s what was heard before', (_name, atMs) => {
    const { view } = aWorld()
    view.accept(snapshot(5, { pools: { p: shared({ inFlight: 1 }) } }))
    view.accept(snapshot(atMs, { pools: { p: shared({ inFlight: 2 }), q: shared() } }))
    expect(view.all.get('p')?.shared?.inFlight).toBe(1)
    expect(view.all.has('q')).toBe(false)
    expect(view.snapshotAtMs).toBe(5)
  })

  test('is not something to tell it', () => {
    const { view } = aWorld()
    view.accept(snapshot(5))
    expect(view.hasNews()).toBe(false)
  })

  test('of a kind that cannot be read does not keep out the next that can', () => {
    const { view } = aWorld()
    // What other code has written.
    const unreadable = { region: 'eu', atMs: 9 } as unknown as RegionSnapshot
    expect(() => view.accept(unreadable)).toThrow()
    expect(view).toMatchObject({ isFresh: true, snapshotAtMs: undefined })
    view.accept(snapshot(8))
    expect(view).toMatchObject({ isFresh: false, snapshotAtMs: 8 })
  })
})

describe('an isolate is fresh', () => {
  test('until it sends something itself', () => {
    const { view, states } = aWorld()
    expect(view.isFresh).toBe(true)
    view.dispatched('p', sent(1))
    expect(view.isFresh).toBe(false)
    expect(states.seenFrom('us').isFresh).toBe(true)
  })

  test('until it has heard something', () => {
    const { view } = aWorld()
    expect(view.snapshotAtMs).toBeUndefined()
    view.accept(snapshot(1, { pools: {} }))
    expect(view.isFresh).toBe(false)
  })
})

test('looks of many isolates begin anywhere between none and one, and can be set', () => {
  const { view } = aWorld({ random: 0.25 })
  expect(view.looks).toEqual({ looks: 0.25, blindLooks: 0.25 })
  view.looks = { looks: 0.5, blindLooks: 0 }
  expect(view.looks).toEqual({ looks: 0.5, blindLooks: 0 })
})

describe('retries', () => {
  function takeAll(view: RegionView): number {
    let taken = 0
    while (taken < 1000 && view.takeRetry()) taken += 1
    return taken
  }

  test('are ten without any request, which come back within ten seconds', () => {
    const { view, world } = aWorld({ retryShare: 0 })
    expect(takeAll(view)).toBe(10)
    view.requested()
    expect(view.takeRetry()).toBe(false)
    world.nowMs += 1000
    expect(takeAll(view)).toBe(1)
    world.nowMs += 10_000
    expect(takeAll(view)).toBe(10)
  })

  test('are earned by requests, a fifth of one each', () => {
    const { view } = aWorld()
    takeAll(view)
    for (let request = 0; request < 15; request += 1) view.requested()
    expect(takeAll(view)).toBe(3)
  })

  test('of one region, or of embeddings, are not those of another', () => {
    const { states, view } = aWorld()
    takeAll(view)
    expect(takeAll(states.seenFrom('us'))).toBe(10)
    expect(takeAll(states.embeddingsFrom('eu'))).toBe(10)
    expect(view.takeRetry()).toBe(false)
  })
})
