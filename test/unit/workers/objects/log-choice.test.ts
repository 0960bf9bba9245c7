/** A job is answered from whichever log under its fingerprint saves most, and from none that may not serve it. */
import { describe, expect, test } from 'vitest'
import { createGenerationLog } from '../../../../shared/log/generation-log.ts'
import type { MeshConfig } from '../../../../shared/schema/mesh.ts'
import type { Mesh } from '../../../../workers/mesh.ts'
import { choose } from '../../../../workers/objects/log-choice.ts'
import type { Generation } from '../../../../workers/objects/generation.ts'
import type { GenerationJob } from '../../../../workers/objects/log-shard-rpc.ts'
import { aGenerationJob, cachedAs, limitedTo } from '../../../support/generation-job.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { POOLS } from '../a-dispatch.ts'
import { frame, tokens } from '../a-generation.ts'

const MADE_AT_MS = 1_000_000
const NOW_MS = MADE_AT_MS + 10_000
const JOB = aGenerationJob('a')

function meshOf(config: MeshConfig): Mesh {
  // Of a mesh, a choice reads pools, distrust and tenants.
  return { config, tenants: new Map(config.tenants.map((tenant) => [tenant.id, tenant])) } as unknown as Mesh
}

function aMesh(changes: Readonly<Record<string, unknown>> = {}): Mesh {
  return meshOf(aMeshConfig(Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`])), changes))
}

interface About {
  readonly state: 'starting' | 'open' | 'sealed' | 'length' | 'broken' | 'failed'
  readonly asked?: number
  readonly tokens?: number
  readonly isAbandoned?: boolean
  readonly isDropped?: boolean
  readonly pools?: readonly string[]
  /** For whom it is being made. */
  readonly job?: GenerationJob
}

/** A take as a choice sees it. */
function aTake(about: About): Generation {
  const { state, asked, tokens: count = 5, pools = ['eu-central'], isAbandoned = false } = about
  const log = createGenerationLog('chat', asked)
  const hasBegun = state !== 'starting' && state !== 'failed'
  if (hasBegun) {
    for (const pool of pools) log.producedBy({ pool, region: pool, jurisdiction: 'eu' })
    for (const each of tokens(0, count)) log.append(each)
  }
  if (about.isDropped === true) log.drop(1)
  const reason = state === 'length' ? 'length' : 'stop'
  if (state === 'sealed' || state === 'length') {
    log.append(frame('', { tokens: count, reason }))
    log.count({ promptTokens: 7, completionTokens: count, raw: '{}' })
    log.seal()
  }
  if (state === 'broken' || state === 'failed') log.break()
  const life = {
    model: 'story',
    modelVersion: '1',
    createdAtMs: MADE_AT_MS,
    expiresAtMs: MADE_AT_MS + 3_600_000,
  }
  return {
    take: state,
    log,
    kept: hasBegun ? { log, life } : undefined,
    isIdle: state !== 'starting' && state !== 'open',
    isAbandoned,
    readers: new Set([{ job: about.job ?? JOB }]),
  } as unknown as Generation
}

function readingOf(takes: readonly Generation[], job = JOB, mesh = aMesh()): string {
  const choice = choose(takes, job, mesh, NOW_MS)
  return 'generation' in choice ? `${choice.reading} ${choice.generation.take}` : choice.reading
}

describe('one log', () => {
  test.each<[string, About, GenerationJob, string]>([
    ['whole, for anyone', { state: 'sealed' }, JOB, 'hit sealed'],
    ['whole, for one with room for it', { state: 'sealed' }, limitedTo(JOB, 9), 'hit sealed'],
    ['whole, cut for a smaller limit', { state: 'sealed' }, limitedTo(JOB, 3), 'hit sealed'],
    ['ended by the same limit', { state: 'length', asked: 5 }, limitedTo(JOB, 5), 'hit length'],
    ['ended by a smaller limit', { state: 'length', asked: 5 }, limitedTo(JOB, 9), 'extended length'],
    ['ended by a larger limit', { state: 'length', asked: 5 }, limitedTo(JOB, 3), 'hit length'],
    ['being made for the same', { state: 'open' }, JOB, 'coalesced open'],
    ['being made for less', { state: 'open', asked: 9 }, limitedTo(JOB, 12), 'coalesced open'],
    ['being made, and has enough', { state: 'open', asked: 9 }, limitedTo(JOB, 3), 'hit open'],
    ['broken', { state: 'broken' }, JOB, 'extended broken'],
    ['broken, and has enough', { state: 'broken' }, limitedTo(JOB, 3), 'hit broken'],
    ['about to be made for the same', { state: 'starting' }, JOB, 'coalesced starting'],
    ['about to be made for another limit', { state: 'starting' }, limitedTo(JOB, 3), 'wait starting'],
    ['that could not be made', { state: 'failed' }, JOB, 'miss'],
    ['that all have left', { state: 'open', isAbandoned: true }, JOB, 'miss'],
    ['that all have left before it began', { state: 'starting', isAbandoned: true }, JOB, 'miss'],
    ['too long to be kept', { state: 'open', isDropped: true }, JOB, 'miss'],
    ['whole, for a refresh', { state: 'sealed' }, cachedAs(JOB, { read: false }), 'miss'],
    ['being made, for a refresh', { state: 'open' }, cachedAs(JOB, { read: false }), 'coalesced open'],
    [
      'about to be made for another limit, for a refresh',
      { state: 'starting' },
      limitedTo(cachedAs(JOB, { read: false }), 3),
      'miss',
    ],
    ['old', { state: 'sealed' }, cachedAs(JOB, { maxAgeSeconds: 9 }), 'miss'],
    ['not too old', { state: 'sealed' }, cachedAs(JOB, { maxAgeSeconds: 10 }), 'hit sealed'],
    ['older than the reader’s time', { state: 'sealed' }, cachedAs(JOB, { ttlSeconds: 9 }), 'miss'],
    [
      'of a pool that the reader may not have',
      { state: 'sealed' },
      aGenerationJob('a', { allowedPools: ['us-east'] }),
      'miss',
    ],
  ])('%s', (_name, about, job, reading) => {
    expect(readingOf([aTake(about)], job)).toBe(reading)
  })
})

describe('about to be made for readers with other pools', () => {
  // One who has narrowed himself must not be told of the failure of pools that he may not have, or the reverse.
  test.each([[['eu-central']], [['eu-central', 'us-east', 'ap-southeast', 'more']], [[]]])(
    '%j: not joined',
    (pools) => {
      const starting = aTake({ state: 'starting' })
      expect(readingOf([starting], aGenerationJob('a', { allowedPools: pools }))).toBe('miss')
      expect(readingOf([starting], limitedTo(aGenerationJob('a', { allowedPools: pools }), 3))).toBe('miss')
    },
  )
})

describe('of several the one that saves most is taken', () => {
  const [sealed, length, open, broken, starting] = [
    aTake({ state: 'sealed' }),
    aTake({ state: 'length', asked: 5 }),
    aTake({ state: 'open' }),
    aTake({ state: 'broken' }),
    aTake({ state: 'starting' }),
  ]
  test.each<[string, readonly Generation[], GenerationJob, string]>([
    ['one that is whole', [open, broken, sealed, starting], JOB, 'hit sealed'],
    ['one that is made', [broken, open], JOB, 'coalesced open'],
    [
      'one that goes on at once, before one that is to be waited for',
      [starting, length],
      limitedTo(JOB, 9),
      'extended length',
    ],
    ['the newest of the same kind', [aTake({ state: 'broken', tokens: 2 }), length], JOB, 'extended broken'],
  ])('%s', (_name, takes, job, reading) => {
    expect(readingOf(takes, job)).toBe(reading)
  })
})

describe('what the config says', () => {
  test('a tenant that wants no continuation gets none', () => {
    const mesh = aMesh({ tenants: [{ id: 'demo', floor: { anywhere: true }, continuation: 'off' }] })
    expect(readingOf([aTake({ state: 'broken' })], JOB, mesh)).toBe('miss')
    expect(readingOf([aTake({ state: 'starting' })], limitedTo(JOB, 3), mesh)).toBe('miss')
  })

  test('nor does one whose pools cannot go on', () => {
    const pools = POOLS.map((id) => ({
      id,
      region: id,
      dialect: 'openai',
      url: `http://${id}.test/v1`,
      models: [{ model: 'story' }],
      shared_prefix: true,
    }))
    expect(readingOf([aTake({ state: 'broken' })], JOB, aMesh({ pools }))).toBe('miss')
  })

  test('nor one who asked for what no second engine can go on with', () => {
    const { generation } = JOB
    const job = { ...JOB, generation: { ...generation, body: { ...generation.body, tools: [{}] } } }
    expect(readingOf([aTake({ state: 'broken' })], job)).toBe('miss')
    expect(readingOf([aTake({ state: 'sealed' })], job)).toBe('hit sealed')
  })

  test('a tenant that takes nothing stitched is not given it', () => {
    const pools = ['eu-central', 'us-east']
    const mesh = aMesh({ tenants: [{ id: 'demo', floor: { anywhere: true }, cache: { stitched: false } }] })
    expect(readingOf([aTake({ state: 'sealed', pools })], JOB, mesh)).toBe('miss')
    expect(readingOf([aTake({ state: 'sealed', pools })])).toBe('hit sealed')
    expect(readingOf([aTake({ state: 'sealed' })], JOB, mesh)).toBe('hit sealed')
  })

  test('what was made in a time of distrust is a miss at once', () => {
    const at = (ms: number): string => new Date(ms).toISOString()
    const distrusting = (entry: object) => aMesh({ distrust: [entry] })
    const take = aTake({ state: 'sealed' })
    const from = at(MADE_AT_MS - 1000)
    expect(readingOf([take], JOB, distrusting({ pool: 'eu-central', from }))).toBe('miss')
    expect(readingOf([take], JOB, distrusting({ model: 'story', version: '1', from }))).toBe('miss')
    expect(readingOf([take], JOB, distrusting({ pool: 'us-east', from }))).toBe('hit sealed')
    expect(readingOf([take], JOB, distrusting({ model: 'story', version: '2', from }))).toBe('hit sealed')
    // The end does not count: what was made just then is trusted again.
    const to = at(MADE_AT_MS)
    expect(readingOf([take], JOB, distrusting({ pool: 'eu-central', from, to }))).toBe('hit sealed')
  })
})

test('where there is nothing, it is a miss', () => {
  expect(readingOf([])).toBe('miss')
})
