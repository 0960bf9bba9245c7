/** A log that ended is continued where that can be done, once for all who wait, and left as it was where it cannot. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { aGenerationJob, limitedTo } from '../../../support/generation-job.ts'
import {
  begun,
  frame,
  isAborted,
  settled,
  textOf,
  tokens,
  type GenerationChanges,
  type GenerationSetUp,
} from '../a-generation.ts'

const JOB = aGenerationJob('a')

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a log that ended', () => {
  const five = limitedTo(JOB, 5)

  /** Five tokens, which its limit ended. */
  async function short(changes: GenerationChanges = {}) {
    const { made, reader } = begun({ job: five, ...changes })
    await made.begin({ frames: tokens(0, 5) })
    const usage = { promptTokens: 7, completionTokens: 5, raw: '{}' }
    await made.say({ frames: [frame('', { tokens: 5, reason: 'length' })], usage, outcome: 'completed' })
    reader.leave()
    return made
  }

  async function broken(frames = tokens(0, 5)) {
    const { made, reader } = begun()
    await made.begin({ frames })
    await made.say({ frames: [], outcome: 'truncated' })
    reader.leave()
    return made
  }

  test('by its limit goes on for who wants most, once for all who wait', async () => {
    const made = await short()
    const { generation } = made
    generation.join(limitedTo(JOB, 9))
    generation.join(limitedTo(JOB, 20))
    generation.join(limitedTo(JOB, 7))
    const waiting = [generation.extend(), generation.extend(), generation.extend()]
    await settled()
    expect(made.starts).toHaveLength(2)
    expect(made.starts[1]).toMatchObject({
      job: { generation: { tokenLimit: 20 } },
      begun: {
        text: textOf(0, 5),
        tokens: 5,
        usage: { promptTokens: 7, completionTokens: 5 },
      },
    })
    expect(generation).toMatchObject({ isStarting: true, outcome: 'completed' })
    await made.begin({ frames: tokens(5, 6) }, 'us-east')
    expect(await Promise.all(waiting)).toEqual([true, true, true])
    expect(generation.log).toMatchObject({ state: 'open', asked: 20, length: 6, tokens: 6 })
    expect(generation.log.producers.map(({ pool }) => pool)).toEqual(['eu-central', 'us-east'])
    // While it goes on nothing more is begun.
    expect(await generation.extend()).toBe(true)
    expect(made.starts).toHaveLength(2)
  })

  test('goes on without a limit for a reader who has none', async () => {
    const made = await short()
    made.generation.join(limitedTo(JOB, 9))
    made.generation.join(JOB)
    void made.generation.extend()
    await made.begin({ frames: tokens(5, 6) })
    expect(made.generation.log.asked).toBeUndefined()
  })

  test('keeps the life and the origin it had', async () => {
    const made = await short()
    const { kept } = made.generation
    made.generation.join(JOB)
    void made.generation.extend()
    await made.begin({ frames: tokens(5, 6) }, 'us-east')
    expect(made.generation.kept).toBe(kept)
  })

  test('by its pool’s death goes on from the text that is there', async () => {
    const made = await broken()
    made.generation.join(JOB)
    void made.generation.extend()
    await settled()
    expect(made.starts[1]?.begun).toEqual({ text: textOf(0, 5), tokens: 5 })
  })

  test('is left as it was when no pool goes on', async () => {
    const made = await short()
    const before = made.generation.log.summary()
    made.generation.join(JOB)
    const extended = made.generation.extend()
    await settled()
    await made.refuse({ reason: 'no_eligible_pool', retryAfterSeconds: 1 })
    expect(await extended).toBe(false)
    expect(made.generation.log.summary()).toEqual(before)
    expect(made.generation.isIdle).toBe(true)
    // And another try is made for who comes later.
    void made.generation.extend()
    await settled()
    expect(made.starts).toHaveLength(3)
  })

  test('is let go of when all have left while a pool was being asked to go on', async () => {
    const made = await short()
    const reader = made.generation.join(JOB)
    void made.generation.extend()
    await settled()
    reader.leave()
    expect(isAborted(made)).toBe(true)
    expect(made.generation.isAbandoned).toBe(true)
  })

  test.each<[string, () => Promise<GenerationSetUp>, typeof JOB | undefined]>([
    ['for nobody', () => short(), undefined],
    ['by itself', () => stopped(), JOB],
    ['by its pool’s death, after its finish', () => broken([...tokens(0, 5), finishing()]), JOB],
    ['where a limit has nothing left', () => broken(), limitedTo(JOB, 5)],
    [
      'with a count that is not known, under a limit',
      () => broken([frame('a'), frame('b')]),
      limitedTo(JOB, 9),
    ],
    ['with more than text', () => broken([{ ...withoutText(frame('a')) }]), JOB],
    ['without any text', () => broken([frame('', { tokens: 0 })]), JOB],
  ])('%s does not go on, and no pool is asked', async (_name, make, job) => {
    const made = await make()
    if (job !== undefined) made.generation.join(job)
    expect(await made.generation.extend()).toBe(false)
    expect(made.starts).toHaveLength(1)
    expect(made.generation.isIdle).toBe(true)
  })

  const finishing = () => frame('', { tokens: 5, reason: 'stop' })

  async function stopped() {
    const { made, reader } = begun()
    await made.begin({ frames: [...tokens(0, 5), finishing()], outcome: 'completed' })
    reader.leave()
    return made
  }

  function withoutText({ text: _text, ...rest }: ReturnType<typeof frame>) {
    return rest
  }

  test('and whose counts are of its beginning only has no count', async () => {
    const { made, reader } = begun()
    // Running counts of the first token; the second states none.
    await made.begin({
      frames: [frame('a', { tokens: 1 }), frame('b')],
      usage: { promptTokens: 7, completionTokens: 1, raw: '{}' },
    })
    await made.say({ frames: [], outcome: 'truncated' })
    reader.leave()
    made.generation.join(limitedTo(JOB, 9))
    expect(await made.generation.extend()).toBe(false)
  })
})
