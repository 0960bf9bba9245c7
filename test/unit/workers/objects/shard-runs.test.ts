/** A reader who leaves is let go of, or held while it may come back, and finds its place again when it does. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { settled } from '../a-generation.ts'
import {
  aRunningGeneration,
  COMMIT_AFTER_MS,
  DETACHED_MS,
  GOES,
  joined,
  runsOfAShard,
  STAYS,
  STAYS_ALWAYS,
} from '../a-shard-run.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a reader who leaves', () => {
  test('and may not come back is gone', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, GOES).end('left')
    expect(generation.readers.size).toBe(0)
    expect(shard).toMatchObject({ held: [], released: [] })
    expect(shard.runs.attach('r1').previous).toBeUndefined()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('and may come back is held, from the tokens there were', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    expect([...generation.readers]).toMatchObject([{ job: STAYS, detachedAtTokens: 3 }])
    expect(shard).toMatchObject({ held: ['r1'], released: [] })
    expect(shard.runs.attach('r1').previous).toEqual({ generation, job: STAYS })
  })

  test('is held from the events there were, where tokens are not counted', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration({ tokens: undefined, length: 9 })
    joined(shard, generation, STAYS).end('left')
    expect([...generation.readers]).toMatchObject([{ detachedAtTokens: 9 }])
  })

  test('of what is over is gone, whatever it may', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    const attachment = joined(shard, generation, STAYS)
    generation.end()
    attachment.end('left')
    expect(generation.readers.size).toBe(0)
    expect(shard.held).toEqual([])
  })

  test('with everything is gone', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('done')
    expect(generation.readers.size).toBe(0)
    expect(shard.held).toEqual([])
  })

  test('before its answer has begun is gone: it was not told what to come back to', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration({ hasBegun: false })
    joined(shard, generation, STAYS).end('left')
    expect(generation.readers.size).toBe(0)
    expect(shard.held).toEqual([])
  })

  test('before its answer has begun, but after it was told of its run, is held', async () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration({ hasBegun: false })
    const early = joined(shard, generation, { ...STAYS, run: 'early' })
    const late = joined(shard, generation, { ...STAYS, run: 'late' })
    await vi.advanceTimersByTimeAsync(COMMIT_AFTER_MS - 1)
    early.end('left')
    await vi.advanceTimersByTimeAsync(1)
    late.end('left')
    expect(shard.held).toEqual(['late'])
    expect([...generation.readers].map(({ job }) => job.run)).toEqual(['late'])
  })

  test('and can send the same request again is held from the first moment', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration({ hasBegun: false })
    joined(shard, generation, STAYS_ALWAYS).end('left')
    expect(shard.held).toEqual(['r1'])
    expect(generation.readers.size).toBe(1)
  })

  test.each([
    [STAYS, 0],
    [STAYS_ALWAYS, 1],
    [GOES, 0],
  ])('before it has joined is treated as if it left then', (job, held) => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration({ hasBegun: false })
    const attachment = shard.runs.attach('r1')
    attachment.end('left')
    expect(attachment.hasLeft).toBe(true)
    attachment.join(generation, job)
    expect(generation.readers.size).toBe(held)
    expect(shard.held).toHaveLength(held)
    expect(vi.getTimerCount()).toBe(held)
  })
})

describe('a run that is held', () => {
  test('ends when its time is over', async () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    await vi.advanceTimersByTimeAsync(DETACHED_MS - 1)
    expect(generation.readers.size).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(generation.readers.size).toBe(0)
    expect(shard.released).toEqual(['r1'])
    expect(shard.runs.attach('r1').previous).toBeUndefined()
  })

  test.each([
    ['does not allow another', () => Promise.resolve(false)],
    ['cannot be asked', () => Promise.reject(new Error('unreachable'))],
  ])('ends at once when the ledger %s', async (_name, hold) => {
    const shard = runsOfAShard(hold)
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    await settled()
    expect(generation.readers.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('ends when its client says that it does not come back', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    shard.runs.detach('r1')
    expect(generation.readers.size).toBe(0)
    expect(shard.released).toEqual(['r1'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is released when its generation is over; one whose client reads on is not', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    joined(shard, generation, { ...STAYS, run: 'r2' })
    joined(shard, generation, { ...STAYS, run: 'r3' }).end('left')
    shard.runs.settle(generation)
    expect(shard.released).toEqual(['r1', 'r3'])
    expect([...generation.readers].map(({ job }) => job.run)).toEqual(['r2'])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is not released by the end of another generation', () => {
    const shard = runsOfAShard()
    joined(shard, aRunningGeneration(), STAYS).end('left')
    shard.runs.settle(aRunningGeneration())
    expect(shard.released).toEqual([])
  })
})

describe('a reader who comes back', () => {
  test('takes the place of what was held, and is not left alone in between', async () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    const leaves: number[] = []
    for (const reader of generation.readers) {
      const leave = reader.leave.bind(reader)
      reader.leave = () => {
        leave()
        leaves.push(generation.readers.size)
      }
    }
    joined(shard, generation, STAYS)
    // When the old one left, the new one was there.
    expect(leaves).toEqual([1])
    expect(shard.released).toEqual(['r1'])
    await vi.advanceTimersByTimeAsync(DETACHED_MS)
    expect(generation.readers.size).toBe(1)
    expect([...generation.readers][0]?.detachedAtTokens).toBeUndefined()
  })

  test('is not let go of by a no of the ledger that comes late', async () => {
    const answer = Promise.withResolvers<boolean>()
    const shard = runsOfAShard(() => answer.promise)
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    joined(shard, generation, STAYS)
    answer.resolve(false)
    await settled()
    expect(generation.readers.size).toBe(1)
  })

  test('can leave and be held again, for as long again', async () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    joined(shard, generation, STAYS).end('left')
    await vi.advanceTimersByTimeAsync(DETACHED_MS - 1)
    joined(shard, generation, STAYS).end('left')
    await vi.advanceTimersByTimeAsync(DETACHED_MS - 1)
    expect(generation.readers.size).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(generation.readers.size).toBe(0)
    expect(shard).toMatchObject({ held: ['r1', 'r1'], released: ['r1', 'r1'] })
  })
})

describe('two streams of one run', () => {
  test('are one reader: the later one', () => {
    const shard = runsOfAShard()
    const generation = aRunningGeneration()
    const first = joined(shard, generation, STAYS)
    const second = joined(shard, generation, STAYS)
    expect(generation.readers.size).toBe(1)
    // The first to break off is of no account.
    first.end('left')
    expect(generation.readers.size).toBe(1)
    expect(shard.held).toEqual([])
    second.end('left')
    expect(shard.held).toEqual(['r1'])
    first.end('done')
    expect(generation.readers.size).toBe(1)
  })

  test('may read different generations', () => {
    const shard = runsOfAShard()
    const [one, two] = [aRunningGeneration(), aRunningGeneration()]
    joined(shard, one, STAYS)
    const again = shard.runs.attach('r1')
    expect(again.previous?.generation).toBe(one)
    again.join(two, STAYS)
    expect([one.readers.size, two.readers.size]).toEqual([0, 1])
  })
})

test('to let go of a run that nobody has is nothing', () => {
  const shard = runsOfAShard()
  shard.runs.detach('r9')
  expect(shard).toMatchObject({ held: [], released: [] })
})
