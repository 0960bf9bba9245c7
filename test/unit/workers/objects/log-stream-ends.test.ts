/** However a log ends, each reader gets the end that is its own, or none where it has to see how it goes on. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { encodeFrameLine } from '../../../../shared/log/lines.ts'
import { aGenerationJob, limitedTo } from '../../../support/generation-job.ts'
import { frame, tokens } from '../a-generation.ts'
import { endOf, fiveTokens, HEAD, headOf, linesOf, read } from '../a-log-stream.ts'

const JOB = aGenerationJob('a')

beforeEach(() => {
  vi.useFakeTimers()
  // The runtime's own wait, on the timers that a test can move.
  vi.stubGlobal('scheduler', {
    wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a log that goes on', () => {
  const five = limitedTo(JOB, 5)
  const cutAtFive = { frames: [frame('', { tokens: 5, reason: 'length' })], outcome: 'completed' } as const

  test('is followed by who wants more than it was made for, without the end in between', async () => {
    const made = await fiveTokens({ job: five })
    made.generation.join(limitedTo(JOB, 8))
    const text = read(headOf(made, { limit: 8 })).rest()
    await made.say(cutAtFive)
    await vi.advanceTimersByTimeAsync(0)
    expect(made.starts).toHaveLength(2)
    await made.begin({ frames: tokens(5, 8) }, 'us-east')
    await made.say({ frames: [frame('', { tokens: 8, reason: 'length' })], outcome: 'completed' })
    const lines = (await text).split('\n')
    expect(lines.slice(1, 9).join('\n') + '\n').toBe(linesOf(0, 8))
    expect(lines.at(-2)).toBe(endOf('completed', 9, ['eu-central', 'us-east']).trim())
    expect(lines.filter((line) => line.includes('"length"'))).toHaveLength(1)
  })

  test('and whose own limit ended it, gets its end all the same, from whenever it reads', async () => {
    const made = await fiveTokens({ job: five })
    const slow = read(headOf(made, { limit: 5 }))
    await slow.next()
    await made.say(cutAtFive)
    made.generation.join(limitedTo(JOB, 8))
    void made.generation.extend()
    await made.begin({ frames: tokens(5, 8) })
    const end = encodeFrameLine({ members: frame('', { reason: 'length' }).members, tokens: 5 })
    expect(await slow.rest()).toBe(HEAD + linesOf(0, 5) + end + endOf('completed', 6))
  })

  test('is truncated for whom nobody goes on', async () => {
    const made = await fiveTokens({ job: five })
    made.generation.join(limitedTo(JOB, 8))
    const text = read(headOf(made, { limit: 8 })).rest()
    await made.say(cutAtFive)
    await vi.advanceTimersByTimeAsync(0)
    await made.refuse({ reason: 'no_eligible_pool', retryAfterSeconds: 1 })
    expect(await text).toBe(HEAD + linesOf(0, 5) + endOf('truncated', 5))
  })
})

describe('a log that broke', () => {
  test.each(['truncated', 'upstream_error', 'stalled', 'timed_out'] as const)(
    'ends for its readers as it broke: %s',
    async (outcome) => {
      const made = await fiveTokens()
      const text = read(headOf(made)).rest()
      await made.say({ frames: [], outcome })
      expect(await text).toBe(HEAD + linesOf(0, 5) + endOf(outcome, 5))
      expect(made.starts).toHaveLength(1)
    },
  )

  test('because all who read it before had left is cut for who reads now: that one has not left', async () => {
    const made = await fiveTokens()
    await made.say({ frames: [], outcome: 'client_cancelled' })
    expect(await read(headOf(made)).rest()).toBe(HEAD + linesOf(0, 5) + endOf('truncated', 5))
  })

  test('is continued for who came for that, and only once', async () => {
    const made = await fiveTokens()
    await made.say({ frames: [], outcome: 'truncated' })
    const text = read(headOf(made, { isExtended: true })).rest()
    await vi.advanceTimersByTimeAsync(0)
    expect(made.starts).toHaveLength(2)
    await made.begin({ frames: tokens(5, 6) }, 'us-east')
    await made.say({ frames: [], outcome: 'stalled' })
    expect(await text).toBe(HEAD + linesOf(0, 6) + endOf('stalled', 6, ['eu-central', 'us-east']))
    expect(made.starts).toHaveLength(2)
  })

  test('for whom it was tried to be continued is not tried again when that failed', async () => {
    const made = await fiveTokens()
    await made.say({ frames: [], outcome: 'truncated' })
    const extension = made.generation.extend()
    await vi.advanceTimersByTimeAsync(0)
    await made.refuse({ reason: 'no_eligible_pool', retryAfterSeconds: 1 })
    expect(await read(headOf(made, { isExtended: true, extension })).rest()).toBe(
      HEAD + linesOf(0, 5) + endOf('upstream_error', 5),
    )
    expect(made.starts).toHaveLength(2)
  })

  test('again after it was continued for a reader ends for it, whenever it reads', async () => {
    const made = await fiveTokens()
    await made.say({ frames: [], outcome: 'truncated' })
    const slow = read(headOf(made, { isExtended: true, extension: made.generation.extend() }))
    await vi.advanceTimersByTimeAsync(0)
    await made.begin({ frames: tokens(5, 6) }, 'us-east')
    await made.say({ frames: [], outcome: 'stalled' })
    expect(await slow.rest()).toBe(HEAD + linesOf(0, 6) + endOf('stalled', 6, ['eu-central', 'us-east']))
    expect(made.starts).toHaveLength(2)
  })
})

describe('without an end line, so that its reader sees how it goes on from what it has', () => {
  test('ends what was dropped before it was read', async () => {
    const made = await fiveTokens({ maxBytes: 2000 })
    const slow = read(headOf(made))
    await slow.next()
    for (let index = 5; index < 100; index += 1) await made.say({ frames: tokens(index, index + 1) })
    expect(await slow.rest()).toBe(HEAD)
    expect(slow.lefts).toEqual(['done'])
  })

  test('ends what passed the reader’s limit and cannot be cut there', async () => {
    const made = await fiveTokens()
    const text = read(headOf(made, { limit: 6 })).rest()
    await made.say({ frames: [frame('two tokens', { tokens: 7 })] })
    expect(await text).toBe(HEAD + linesOf(0, 5))
  })
})
