/** What a generation may hold in memory, and what it may cost while nobody has a client, ends. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Generation } from '../../../../workers/objects/generation.ts'
import { aGenerationJob } from '../../../support/generation-job.ts'
import { begun, frame, isAborted, tokens } from '../a-generation.ts'

const JOB = aGenerationJob('a')

const allOf = ({ log }: Generation): string =>
  Array.from({ length: log.length }, (_, index) => log.entry(index)?.members ?? '<dropped>').join('\n')

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('an answer that is longer than a log may be', () => {
  test('holds no more than that at any time, and is never stored as a whole', async () => {
    const { made } = begun({ maxBytes: 2000 })
    await made.begin({ frames: tokens(0, 1) })
    const sizes: number[] = []
    for (let index = 1; index < 400; index += 1) {
      await made.say({ frames: tokens(index, index + 1) })
      sizes.push(made.generation.log.size)
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2000)
    // What is dropped is dropped in larger pieces, not event by event.
    expect(Math.min(...sizes.slice(100))).toBeGreaterThan(1000)
    expect(made.generation.log.length).toBe(400)
    expect(made.generation.log.firstKept).toBeGreaterThan(300)
    await made.say({ frames: [frame('', { tokens: 400, reason: 'stop' })], outcome: 'completed' })
    expect(made.ends).toEqual([{ outcome: 'completed', state: 'sealed' }])
    expect(allOf(made.generation).startsWith('<dropped>')).toBe(true)
  })

  test('and of which a single event is longer than that, too', async () => {
    const { made } = begun({ maxBytes: 1000 })
    await made.begin({ frames: tokens(0, 3) })
    await made.say({ frames: [frame('x'.repeat(5000), { tokens: 4 })] })
    expect(made.generation.log).toMatchObject({ size: 0, firstKept: 4 })
  })
})

describe('while nobody has a client', () => {
  test('so many tokens are made, and then no more', async () => {
    const { made, reader } = begun({ detachedTokens: 10 })
    await made.begin({ frames: tokens(0, 5) })
    reader.detachedAtTokens = 5
    await made.say({ frames: tokens(5, 14) })
    expect(isAborted(made)).toBe(false)
    await made.say({ frames: tokens(14, 15) })
    expect(isAborted(made)).toBe(true)
    // Whoever holds the run learns of it when it has ended: it is still there.
    expect(made.generation.readers.size).toBe(1)
    expect(made.ends).toEqual([{ outcome: 'client_cancelled', state: 'broken' }])
  })

  test('so many events, where tokens are not counted', async () => {
    const { made, reader } = begun({ detachedTokens: 3 })
    await made.begin({ frames: [frame('a')] })
    reader.detachedAtTokens = 1
    await made.say({ frames: [frame('b'), frame('c')] })
    expect(isAborted(made)).toBe(false)
    await made.say({ frames: [frame('d')] })
    expect(isAborted(made)).toBe(true)
  })

  test('but one who reads keeps it going for all', async () => {
    const { made, reader } = begun({ detachedTokens: 3 })
    made.generation.join(JOB)
    await made.begin({ frames: tokens(0, 1) })
    reader.detachedAtTokens = 1
    await made.say({ frames: tokens(1, 20) })
    expect(isAborted(made)).toBe(false)
  })

  test('each may have its own start, and the last one counts', async () => {
    const { made, reader } = begun({ detachedTokens: 10 })
    const other = made.generation.join(JOB)
    await made.begin({ frames: tokens(0, 1) })
    reader.detachedAtTokens = 1
    await made.say({ frames: tokens(1, 8) })
    other.detachedAtTokens = 8
    await made.say({ frames: tokens(8, 17) })
    expect(isAborted(made)).toBe(false)
    await made.say({ frames: tokens(17, 18) })
    expect(isAborted(made)).toBe(true)
  })
})
