/** A generation is one upstream for all its readers: late ones get everything, and the last to leave ends it. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { aGenerationJob } from '../../../support/generation-job.ts'
import {
  begun,
  candidateOf,
  frame,
  isAborted,
  settled,
  tokens,
  type GenerationSetUp,
} from '../a-generation.ts'

const JOB = aGenerationJob('a')

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('what becomes of it', () => {
  test('is told by its phases, and known of the log from its first token on', async () => {
    const { made, beginning } = begun()
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
      { pool: 'eu-central', region: 'eu-central', jurisdiction: 'eu', atMs: 1 },
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
    const { made } = begun()
    await made.begin({ frames: tokens(0, 1) })
    await made.say({ frames, outcome })
    expect(made.ends).toEqual([{ outcome, state: 'broken' }])
  })

  test('says so to who waits, once for each step that brought something', async () => {
    const { made } = begun()
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
    const { made } = begun()
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
  const { made } = begun()
  await made.begin({ frames, outcome: 'completed' })
  expect(made.generation.log).toMatchObject({ state: 'sealed', finish })
})

describe('when readers leave', () => {
  const PHASES = {
    'before the first token': () => Promise.resolve(),
    'after it': (made: GenerationSetUp) => made.begin({ frames: tokens(0, 1) }),
  }
  test.each(Object.entries(PHASES))(
    '%s, the upstream ends with the last of them only',
    async (_name, reach) => {
      const { made, reader } = begun()
      const others = [made.generation.join(JOB), made.generation.join(JOB)]
      await reach(made)
      others[1]?.leave()
      reader.leave()
      expect(isAborted(made)).toBe(false)
      expect(made.generation.isAbandoned).toBe(false)
      others[0]?.leave()
      expect(isAborted(made)).toBe(true)
      expect(made.generation.isAbandoned).toBe(true)
    },
  )

  test('leaving twice counts once', async () => {
    const { made, reader } = begun()
    made.generation.join(JOB)
    reader.leave()
    reader.leave()
    expect(isAborted(made)).toBe(false)
  })

  test('between the first token and the first append, it still ends', async () => {
    const { made, reader } = begun()
    const beginning = made.begin({ frames: tokens(0, 1) })
    reader.leave()
    await beginning
    await settled()
    expect(made.ends).toEqual([{ outcome: 'client_cancelled', state: 'broken' }])
  })

  test('an abandoned generation ends as broken, and nobody is told that it may be joined', async () => {
    const { made, reader } = begun()
    await made.begin({ frames: tokens(0, 1) })
    reader.leave()
    expect(made.generation.isAbandoned).toBe(true)
    await settled()
    expect(made.ends).toEqual([{ outcome: 'client_cancelled', state: 'broken' }])
    expect(made.generation).toMatchObject({ isIdle: true, isAbandoned: false })
  })

  test('after the end it ends nothing', async () => {
    const { made, reader } = begun()
    await made.begin({ frames: [frame('a', { reason: 'stop' })], outcome: 'completed' })
    reader.leave()
    expect(isAborted(made)).toBe(false)
  })
})

describe('what cannot begin', () => {
  test('says why, and is over', async () => {
    const { made, beginning } = begun()
    await made.refuse({ reason: 'pool_timeout' })
    expect(await beginning).toEqual({ ok: false, error: { reason: 'pool_timeout' } })
    expect(await made.generation.begun).toEqual(await beginning)
    expect(made.ends).toEqual([{ outcome: 'upstream_error', state: 'broken' }])
    expect(made.generation).toMatchObject({ isIdle: true, kept: undefined })
  })

  test('because starting it broke, is an end like any other', async () => {
    const { made, beginning } = begun()
    await made.breakDown()
    expect(await beginning).toEqual({ ok: false, error: { reason: 'internal_error' } })
    expect(made.ends).toEqual([{ outcome: 'upstream_error', state: 'broken' }])
  })
})

describe('pools are asked that all readers may have', () => {
  test('as they are when a pool is to be asked, not when the first came', async () => {
    const { made, reader } = begun({ job: aGenerationJob('a', { allowedPools: ['x', 'y'] }) })
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
