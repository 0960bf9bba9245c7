/** An answer's headers say what served it, how old it is, and why it was not cached. */
import { describe, expect, test } from 'vitest'
import type { AnswerFacts } from '../../../shared/log/answer-facts.ts'
import { fromBase64Url } from '../../../shared/fingerprint/bytes.ts'
import { parseRun, type Run } from '../../../shared/log/run.ts'
import type { Answered, Fingerprinted, Sharing } from '../../../workers/contexts.ts'
import type { Edge } from '../../../workers/edge.ts'
import { answerHeaders, earlyHeaders } from '../../../workers/response-headers.ts'
import { createTenantKeyring } from '../../../workers/tenant-keys.ts'

const CREATED_AT_MS = 1_000_000
const FACTS: AnswerFacts = {
  outcome: 'miss',
  pool: 'eu-1',
  region: 'eu-central',
  jurisdiction: 'eu',
  attempts: 2,
  route: 'measured 5ms',
  modelVersion: '1',
  createdAtMs: CREATED_AT_MS,
  firstTokenMs: 42,
}
const TENANT = 'demo'
const KEYS = createTenantKeyring(new TextEncoder().encode('test fingerprint secret of 32 bytes or more'))
// Of a lease and a home, an id of a run names what is here.
const SHARED = {
  kind: 'shared',
  fingerprint: 'fp',
  lease: { epoch: 3 },
  home: { region: 'eu-central' },
} as unknown as Sharing
const SAMPLED: Sharing = { kind: 'private', detail: 'sampled' }

interface About {
  readonly sharing?: Sharing
  /** Of the pools it may go to. */
  readonly jurisdictions?: readonly string[]
  readonly restricted?: boolean
  readonly afterMs?: number
  readonly isStored?: boolean
}

function aContext({
  sharing = SHARED,
  jurisdictions = ['eu', 'us'],
  restricted = false,
  afterMs = 0,
}: About) {
  const nowMs = CREATED_AT_MS + afterMs
  // Of an edge and a context, headers need what is here.
  const edge = {
    runtime: { now: () => nowMs },
    keys: KEYS,
    mesh: { config: { log: { shards_per_home: 64 } } },
  } as unknown as Edge
  const context = {
    run: 'nonce',
    surface: 'chat',
    tenant: { id: TENANT },
    keyId: 'k1',
    narrowing: {},
    generation: { model: 'story', includeUsage: false },
    requestDigest: 'asked',
    sharing,
    placement: { restricted, pools: jurisdictions.map((jurisdiction) => ({ region: { jurisdiction } })) },
    receivedAtMs: nowMs - 7,
  } as unknown as Fingerprinted
  return { context, edge }
}

function headersOf(facts: Partial<AnswerFacts>, about: About = {}): Promise<Record<string, string>> {
  const { context, edge } = aContext(about)
  const answer = { facts: { ...FACTS, ...facts }, take: 'take' }
  return answerHeaders({ ...context, answer } as Answered, edge, { isStored: about.isStored ?? true })
}

function early(about: About): Promise<Record<string, string>> {
  const { context, edge } = aContext(about)
  return earlyHeaders(context, edge)
}

/** What an id says behind its prefix and its code; who may use it is not asked here. */
async function runOf(headers: Promise<Record<string, string>>): Promise<Run | undefined> {
  const id = (await headers)['x-mesh-run'] ?? ''
  const payload = fromBase64Url(id.replace(/^run_/, ''))?.slice(16)
  return parseRun(new TextDecoder().decode(payload))
}

describe('the cache', () => {
  test.each<[string, Partial<AnswerFacts>, Sharing, string]>([
    ['hit', { outcome: 'hit', ttlSeconds: 30 }, SHARED, 'warmpath; hit; ttl=30'],
    ['coalesced', { outcome: 'coalesced' }, SHARED, 'warmpath; fwd=miss; collapsed'],
    ['miss', { outcome: 'miss' }, SHARED, 'warmpath; fwd=miss; stored'],
    ['refresh', { outcome: 'refresh' }, SHARED, 'warmpath; fwd=request; stored'],
    ['extended', { outcome: 'extended' }, SHARED, 'warmpath; fwd=partial'],
    ['bypass', { outcome: 'bypass' }, SAMPLED, 'warmpath; fwd=bypass; detail=sampled'],
    [
      'bypass',
      { outcome: 'miss' },
      { ...SHARED, alone: 'sampled' } as Sharing,
      'warmpath; fwd=bypass; detail=sampled',
    ],
    [
      'bypass',
      { outcome: 'bypass' },
      { kind: 'private', detail: 'no_lease' },
      'warmpath; fwd=bypass; detail=no_lease',
    ],
  ])('%s', async (word, facts, sharing, status) => {
    const headers = await headersOf(facts, { sharing })
    expect(headers).toMatchObject({ 'x-mesh-cache': word, 'cache-status': status })
  })
})

test('an answer that has only begun is not said to be stored', async () => {
  const statusOf = async (outcome: AnswerFacts['outcome']) =>
    (await headersOf({ outcome }, { isStored: false }))['cache-status']
  expect(await statusOf('miss')).toBe('warmpath; fwd=miss')
  expect(await statusOf('refresh')).toBe('warmpath; fwd=request')
})

test('only what was made before has an age, in whole seconds, never less than none', async () => {
  const ageOf = async (outcome: AnswerFacts['outcome'], afterMs: number) =>
    (await headersOf({ outcome }, { afterMs }))['age']
  expect(await ageOf('hit', 61_999)).toBe('61')
  expect(await ageOf('coalesced', 500)).toBe('0')
  expect(await ageOf('extended', 2000)).toBe('2')
  // Another machine's clock may be ahead.
  expect(await ageOf('hit', -5000)).toBe('0')
  expect(await ageOf('miss', 61_999)).toBeUndefined()
})

test('a replay does not claim the time that its pool once took', async () => {
  expect((await headersOf({ outcome: 'miss' }))['server-timing']).toBe('pool;dur=42, total;dur=7')
  expect((await headersOf({ outcome: 'hit' }))['server-timing']).toBe('total;dur=7')
})

test('where it was processed is said, and whether rules had a say', async () => {
  expect((await headersOf({}))['x-mesh-residency']).toBe('eu')
  expect(await headersOf({}, { restricted: true })).toMatchObject({
    'x-mesh-residency': 'eu; restricted',
    'x-mesh-pool': 'eu-1',
    'x-mesh-region': 'eu-central',
    'x-mesh-attempts': '2',
  })
})

test('a run names the log that the answer is read from; what no log has is no run', async () => {
  expect(await runOf(headersOf({}))).toMatchObject({
    nonce: 'nonce',
    fingerprint: 'fp',
    asked: 'asked',
    take: 'take',
  })
  expect(await headersOf({ outcome: 'bypass' }, { sharing: SAMPLED })).not.toHaveProperty('x-mesh-run')
})

describe('before there is an answer', () => {
  test('where it will be processed is said when every pool it may go to says the same', async () => {
    const sharing = SAMPLED
    expect(await early({ sharing, jurisdictions: ['eu', 'eu'] })).toEqual({ 'x-mesh-residency': 'eu' })
    expect(await early({ sharing, jurisdictions: ['eu'], restricted: true })).toEqual({
      'x-mesh-residency': 'eu; restricted',
    })
  })

  test('nothing is said that only the answer knows', async () => {
    expect(await early({ sharing: SAMPLED })).toEqual({})
  })

  test('a run is named all the same, of whichever log its reader will get', async () => {
    const run = await runOf(early({}))
    expect(run).toMatchObject({ nonce: 'nonce', fingerprint: 'fp' })
    expect(run).not.toHaveProperty('take')
  })
})
