/** A generation is one upstream for all its readers: late ones get everything, and the last to leave ends it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Generation } from '../../../../workers/objects/generation.ts'
import { aGenerationJob, limitedTo } from '../../../support/generation-job.ts'
import {
  aGeneration,
  candidateOf,
  frame,
  settled,
  textOf,
  tokens,
  type GenerationSetUp,
} from '../a-generation.ts'

const JOB = aGenerationJob('a')
const allOf = ({ log }: Generation): string =>
  Array.from({ length: log.length }, (_, index) => log.entry(index)?.members ?? '<dropped>').join('\n')

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** One that is made for a reader who stays. */
async function begun(changes: Parameters<typeof aGeneration>[0] = {}) {
  const made = aGeneration(changes)
  const reader = made.generation.join(changes.job ?? JOB)
  const beginning = made.generation.begin(changes.job ?? JOB)
  return { made, reader, beginning }
}

const aborted = ({ starts }: GenerationSetUp): boolean | undefined => starts.at(-1)?.signal.aborted

describe('what becomes of it', () => {
  test('is told by its phases, and known of the log from its first token on', async () => {
    const { made, beginning } = await begun()
    const { generation } = made
    expect(generation).toMatchObject({ isStarting: true, isIdle: false, kept: undefined })
    await made.begin({ frames: tokens(0, 1) })
    expect(await beginning).toEqual({ ok: true, value: undefined })
    expect(generation).toMatchObject({ isStarting: false, isIdle: false, outcome: undefined })
    expect(generation.kept).toMatchObject({
      life: { createdAtMs: 1 },
      origin: { attempts: 1, firstTokenMs: 5 },
    })
    expect(generation.log.producers).toEqual([
      { pool: 'eu-central', region: 'eu-central', jurisdiction: 'eu' },
    ])
    await made.say({ frames: [frame('', { reason: 'stop', tokens: 1 })], outcome: 'completed' })
    expect(generation).toMatchObject({ isIdle: true, outcome: 'completed' })
    expect(made.ends).toEqual([{ outcome: 'completed', state: 'sealed' }])
  })

  test.each([
    ['cut', [], 'truncated'],
    ['left without a finish though its pool says it is done', [], 'completed'],
    ['broken after its finish', [frame('', { reason: 'stop' })], 'stalled'],
  ] as const)('%s, it is broken and not whole', async (_name, frames, outcome) => {
    const { made } = await begun()
    await made.begin({ frames: tokens(0, 1) })
    await made.say({ frames, outcome })
    expect(made.ends).toEqual([{ outcome, state: 'broken' }])
  })

  test('says so to who waits, once for each step that brought something', async () => {
    const { made } = await begun()
    await made.begin({ frames: tokens(0, 1) })
    const woken: string[] = []
    void made.generation.changed().then(() => woken.push('first'))
    await made.say({ frames: [] })
    expect(woken).toEqual([])
    await made.say({ frames: tokens(1, 3) })
    expect(woken).toEqual(['first'])
    expect(made.events).toBe(2)
  })

  test('counts are those last stated, and a pool that takes over is a producer too', async () => {
    const { made } = await begun()
    await made.begin({ frames: tokens(0, 1) })
    const usage = { promptTokens: 7, completionTokens: 2, raw: '{}' }
    const takenOverBy = candidateOf('us-east').candidate
    await made.say({ frames: tokens(1, 2), usage, takenOverBy })
    expect(made.generation.log.usage).toEqual(usage)
    expect(made.generation.log.producers.map(({ pool }) => pool)).toEqual(['eu-central', 'us-east'])
  })
})

test.each([
  ['one choice', [frame('a', { reason: 'stop' })], 'stop'],
  [
    'several, one of which was cut by its limit first',
    [frame('a', { reason: 'length' }), frame('b', { reason: 'stop' })],
    'length',
  ],
  [
    'several, one of which was cut by its limit last',
    [frame('a', { reason: 'stop' }), frame('b', { reason: 'length' })],
    'length',
  ],
])('the finish of %s is known at the end', async (_name, frames, finish) => {
  const { made } = await begun()
  await made.begin({ frames, outcome: 'completed' })
  expect(made.generation.log).toMatchObject({ state: 'sealed', finish })
})

describe('when readers leave', () => {
  const PHASES = {
    'before the first token': () => Promise.resolve(),
    'after it': ({ begin }: GenerationSetUp) => begin({ frames: tokens(0, 1) }),
  }
  test.each(Object.entries(PHASES))(
    '%s, the upstream ends with the last of them only',
    async (_name, reach) => {
      const { made, reader } = await begun()
      const others = [made.generation.join(JOB), made.generation.join(JOB)]
      await reach(made)
      others[1]?.leave()
      reader.leave()
      expect(aborted(made)).toBe(false)
      expect(made.generation.isAbandoned).toBe(false)
      others[0]?.leave()
      expect(aborted(made)).toBe(true)
      expect(made.generation.isAbandoned).toBe(true)
    },
  )

  test('leaving twice counts once', async () => {
    const { made, reader } = await begun()
    made.generation.join(JOB)
    reader.leave()
    reader.leave()
    expect(aborted(made)).toBe(false)
  })

  test('between the first token and the first append, it still ends', async () => {
    const { made, reader } = await begun()
    const beginning = made.begin({ frames: tokens(0, 1) })
    reader.leave()
    await beginning
    await settled()
    expect(made.ends).toEqual([{ outcome: 'client_cancelled', state: 'broken' }])
  })

  test('an abandoned generation ends as broken, and nobody is told that it may be joined', async () => {
    const { made, reader } = await begun()
    await made.begin({ frames: tokens(0, 1) })
    reader.leave()
    expect(made.generation.isAbandoned).toBe(true)
    await settled()
    expect(made.ends).toEqual([{ outcome: 'client_cancelled', state: 'broken' }])
    expect(made.generation).toMatchObject({ isIdle: true, isAbandoned: false })
  })

  test('after the end it ends nothing', async () => {
    const { made, reader } = await begun()
    await made.begin({ frames: [frame('a', { reason: 'stop' })], outcome: 'completed' })
    reader.leave()
    expect(aborted(made)).toBe(false)
  })
})

describe('what cannot begin', () => {
  test('says why, and is over', async () => {
    const { made, beginning } = await begun()
    await made.refuse({ reason: 'pool_timeout' })
    expect(await beginning).toEqual({ ok: false, error: { reason: 'pool_timeout' } })
    expect(await made.generation.begun).toEqual(await beginning)
    expect(made.ends).toEqual([{ outcome: 'upstream_error', state: 'broken' }])
    expect(made.generation).toMatchObject({ isIdle: true, kept: undefined })
  })

  test('because starting it broke, is an end like any other', async () => {
    const { made, beginning } = await begun()
    await made.breakDown()
    expect(await beginning).toEqual({ ok: false, error: { reason: 'internal_error' } })
    expect(made.ends).toEqual([{ outcome: 'upstream_error', state: 'broken' }])
  })
})

describe('pools are asked that all readers may have', () => {
  test('as they are when a pool is to be asked, not when the first came', async () => {
    const { made, reader } = await begun({ job: aGenerationJob('a', { allowedPools: ['x', 'y'] }) })
    const [start] = made.starts
    expect(start?.allowedPools()).toEqual(new Set(['x', 'y']))
    const other = made.generation.join(aGenerationJob('a', { allowedPools: ['y', 'z'] }))
    expect(start?.allowedPools()).toEqual(new Set(['y']))
    reader.leave()
    expect(start?.allowedPools()).toEqual(new Set(['y', 'z']))
    other.leave()
    expect(start?.allowedPools()).toEqual(new Set())
  })
})

describe('a log that ended', () => {
  const five = limitedTo(JOB, 5)

  /** Five tokens, which its limit ended. */
  async function short(changes: Parameters<typeof aGeneration>[0] = {}) {
    const { made, reader } = await begun({ job: five, ...changes })
    await made.begin({ frames: tokens(0, 5) })
    const usage = { promptTokens: 7, completionTokens: 5, raw: '{}' }
    await made.say({ frames: [frame('', { tokens: 5, reason: 'length' })], usage, outcome: 'completed' })
    reader.leave()
    return made
  }

  async function broken(frames = tokens(0, 5)) {
    const { made, reader } = await begun()
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
    expect(aborted(made)).toBe(true)
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
    const { made, reader } = await begun()
    await made.begin({ frames: [...tokens(0, 5), finishing()], outcome: 'completed' })
    reader.leave()
    return made
  }

  function withoutText({ text: _text, ...rest }: ReturnType<typeof frame>) {
    return rest
  }

  test('and whose counts are of its beginning only has no count', async () => {
    const { made, reader } = await begun()
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

describe('an answer that is longer than a log may be', () => {
  test('holds no more than that at any time, and is never stored as a whole', async () => {
    const { made } = await begun({ maxBytes: 2000 })
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
    const { made } = await begun({ maxBytes: 1000 })
    await made.begin({ frames: tokens(0, 3) })
    await made.say({ frames: [frame('x'.repeat(5000), { tokens: 4 })] })
    expect(made.generation.log).toMatchObject({ size: 0, firstKept: 4 })
  })
})

describe('while nobody has a client', () => {
  test('so many tokens are made, and then no more', async () => {
    const { made, reader } = await begun({ detachedTokens: 10 })
    await made.begin({ frames: tokens(0, 5) })
    reader.detachedAtTokens = 5
    await made.say({ frames: tokens(5, 14) })
    expect(aborted(made)).toBe(false)
    await made.say({ frames: tokens(14, 15) })
    expect(aborted(made)).toBe(true)
    // Whoever holds the run learns of it when it has ended: it is still there.
    expect(made.generation.readers.size).toBe(1)
    expect(made.ends).toEqual([{ outcome: 'client_cancelled', state: 'broken' }])
  })

  test('so many events, where tokens are not counted', async () => {
    const { made, reader } = await begun({ detachedTokens: 3 })
    await made.begin({ frames: [frame('a')] })
    reader.detachedAtTokens = 1
    await made.say({ frames: [frame('b'), frame('c')] })
    expect(aborted(made)).toBe(false)
    await made.say({ frames: [frame('d')] })
    expect(aborted(made)).toBe(true)
  })

  test('but one who reads keeps it going for all', async () => {
    const { made, reader } = await begun({ detachedTokens: 3 })
    made.generation.join(JOB)
    await made.begin({ frames: tokens(0, 1) })
    reader.detachedAtTokens = 1
    await made.say({ frames: tokens(1, 20) })
    expect(aborted(made)).toBe(false)
  })

  test('each may have its own start, and the last one counts', async () => {
    const { made, reader } = await begun({ detachedTokens: 10 })
    const other = made.generation.join(JOB)
    await made.begin({ frames: tokens(0, 1) })
    reader.detachedAtTokens = 1
    await made.say({ frames: tokens(1, 8) })
    other.detachedAtTokens = 8
    await made.say({ frames: tokens(8, 17) })
    expect(aborted(made)).toBe(false)
    await made.say({ frames: tokens(17, 18) })
    expect(aborted(made)).toBe(true)
  })
})
