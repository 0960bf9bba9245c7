/** A log shard makes an answer once, keeps whole ones only, and replays them as they came. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { delta, DONE, finish, role, usage, wholeAnswer } from '../../support/pool-events.ts'
import { aJob, aShard, contentOf, limitedTo, readAll } from '../support/jobs.ts'
import { answerTo, atOnce, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

let shard = aShard()
beforeEach(() => {
  shard = aShard()
})

async function ask(job = aJob('')): ReturnType<typeof readAll> {
  return readAll(await shard.open(job))
}

describe('a whole answer', () => {
  test('is made once and replayed with the same lines', async () => {
    const calls = answerTo('replay', atOnce(wholeAnswer('One ', 'two ', 'drei ✓')))
    const made = await ask(aJob('replay'))
    const replayed = await ask(aJob('replay'))
    expect(made).toMatchObject({ facts: { outcome: 'miss' }, outcome: 'completed' })
    expect(replayed.facts).toMatchObject({ outcome: 'hit', pool: made.facts?.pool })
    expect(replayed.members).toEqual(made.members)
    expect(replayed.usage).toEqual(made.usage)
    expect(replayed.outcome).toBe('completed')
    expect(contentOf(replayed)).toBe('One two drei ✓')
    expect(made.usage).toMatchObject({ promptTokens: 5, completionTokens: 3 })
    expect(calls).toHaveLength(1)
  })

  test('survives the eviction of its shard', async () => {
    const calls = answerTo('evicted', atOnce(wholeAnswer('kept')))
    const made = await ask(aJob('evicted'))
    await evictDurableObject(shard)
    const replayed = await ask(aJob('evicted'))
    expect(replayed).toMatchObject({ facts: { outcome: 'hit' }, members: made.members, usage: made.usage })
    expect(calls).toHaveLength(1)
  })

  test('is not given to a job with another fingerprint', async () => {
    answerTo('mine', atOnce(wholeAnswer('mine')))
    answerTo('yours', atOnce(wholeAnswer('yours')))
    const [mine, yours] = await Promise.all([ask(aJob('mine')), ask(aJob('yours'))])
    expect([contentOf(mine), contentOf(yours)]).toEqual(['mine', 'yours'])
    expect(contentOf(await ask(aJob('mine')))).toBe('mine')
    expect(contentOf(await ask(aJob('yours')))).toBe('yours')
  })

  test('of several megabytes comes back the same, multi-byte characters on segment borders included', async () => {
    // Three bytes each, in pieces that no power of two divides: borders of 1 MiB fall inside characters.
    const pieces = Array.from({ length: 230 }, (_, index) => '✓'.repeat(4000 + (index % 7)))
    const calls = answerTo('large', atOnce(wholeAnswer(...pieces)))
    const made = await ask(aJob('large'))
    const replayed = await ask(aJob('large'))
    expect(replayed.facts?.outcome).toBe('hit')
    expect(replayed.members).toEqual(made.members)
    expect(replayed.usage).toEqual(made.usage)
    expect(contentOf(replayed)).toBe(pieces.join(''))
    expect(calls).toHaveLength(1)
    const rows = await runInDurableObject(shard, (_, { storage }) =>
      storage.sql.exec<{ size: number }>('SELECT length(lines) AS size FROM segment').toArray(),
    )
    expect(rows.map(({ size }) => size).slice(0, 2)).toEqual([1024 * 1024, 1024 * 1024])
  })
})

describe('what is not kept', () => {
  test.each([
    ['a stream that was cut', delta('half')],
    [
      'an error event after the first token',
      `${delta('half')}data: {"error":{"message":"secret"}}\n\n${DONE}`,
    ],
    ['a finish that means failure', delta('half') + finish('error') + DONE],
  ])('%s', async (name, text) => {
    const calls = answerTo(name, atOnce(text))
    const first = await ask(aJob(name))
    expect(first.outcome).not.toBe('completed')
    expect(first.outcome).toBeDefined()
    await ask(aJob(name))
    expect(calls).toHaveLength(2)
  })

  test('an answer of more bytes than a log may hold, counted in bytes and not in characters', async () => {
    // 1.6 million characters, 4.8 million bytes; the limit is 4 MiB.
    const pieces = Array.from({ length: 400 }, () => '✓'.repeat(4000))
    const calls = answerTo('too large', atOnce(wholeAnswer(...pieces)))
    expect(contentOf(await ask(aJob('too large')))).toBe(pieces.join(''))
    expect((await ask(aJob('too large'))).facts?.outcome).toBe('miss')
    expect(calls).toHaveLength(2)
  })

  test('a refusal', async () => {
    const calls = answerTo('refused', () => Response.json({ error: 'no' }, { status: 400 }))
    expect(await ask(aJob('refused'))).toEqual({ refused: 'pool_rejected_request', members: [] })
    await ask(aJob('refused'))
    expect(calls).toHaveLength(2)
  })
})

describe('a stored answer is not used', () => {
  test.each([
    [
      'when the reader wants a fresh one',
      { cache: { read: false, onlyIfCached: false, ttlSeconds: 3600 } },
      'refresh',
    ],
    [
      'when the reader may not have what its pool made',
      { allowedPools: ['us-east', 'ap-southeast'] },
      'miss',
    ],
    [
      'when the reader takes none that is older than now',
      { cache: { read: true, onlyIfCached: false, ttlSeconds: 3600, maxAgeSeconds: -1 } },
      'miss',
    ],
  ])('%s', async (name, changes, outcome) => {
    const calls = answerTo(name, atOnce(wholeAnswer('again')))
    // Only one pool may make the first.
    await ask(aJob(name, { allowedPools: ['eu-central'] }))
    expect((await ask(aJob(name, changes))).facts?.outcome).toBe(outcome)
    expect(calls).toHaveLength(2)
  })

  test('when it ended by a limit that this reader does not have', async () => {
    const calls = answerTo(
      'limits',
      atOnce(role() + delta('a') + delta('b') + finish('length') + usage(5, 2) + DONE),
    )
    await ask(limitedTo(aJob('limits'), 2))
    expect((await ask(limitedTo(aJob('limits'), 2))).facts?.outcome).toBe('hit')
    expect((await ask(limitedTo(aJob('limits'), 3))).facts?.outcome).toBe('miss')
    expect((await ask(aJob('limits'))).facts?.outcome).toBe('miss')
    expect(calls).toHaveLength(3)
  })
})

test('who takes only what is cached gets it, and else a refusal without a pool being asked', async () => {
  const calls = answerTo('only', atOnce(wholeAnswer('known')))
  const only = aJob('only', { cache: { read: true, onlyIfCached: true, ttlSeconds: 3600 } })
  expect(await ask(only)).toEqual({ refused: 'not_cached', members: [] })
  expect(calls).toHaveLength(0)
  await ask(aJob('only'))
  expect((await ask(only)).facts?.outcome).toBe('hit')
})

describe('a job is decided again under the config of the shard', () => {
  test.each([
    ['a tenant it does not know', { tenant: 'stranger' }, 'config_unavailable'],
    [
      'a home it does not know',
      { home: { region: 'mars', jurisdiction: 'eu', enforceJurisdiction: false } },
      'config_unavailable',
    ],
    ['no pool that both allow', { allowedPools: ['elsewhere'] }, 'residency_violation'],
    [
      'a tenant bound to another place than the pools',
      { tenant: 'eu-bank', allowedPools: ['us-east'] },
      'residency_violation',
    ],
    [
      'a home outside the floor',
      { tenant: 'eu-bank', home: { region: 'us-east', jurisdiction: 'us', enforceJurisdiction: true } },
      'config_unavailable',
    ],
    [
      'a narrowing that leaves nothing',
      {
        residency: { arrival: { host: 'h' }, narrow: ['sg'] },
        allowedPools: ['eu-central'],
        home: { region: 'ap-southeast', jurisdiction: 'sg', enforceJurisdiction: true },
      },
      'residency_violation',
    ],
  ])('%s', async (name, changes, refused) => {
    const calls = answerTo(name, atOnce(wholeAnswer('never')))
    expect(await ask(aJob(name, changes))).toEqual({ refused, members: [] })
    expect(calls).toHaveLength(0)
  })

  test('and asks only pools of both lists, whatever fails', async () => {
    const calls = answerTo('bounded', () => new Response('', { status: 500 }))
    await ask(aJob('bounded', { tenant: 'eu-bank', allowedPools: ['eu-central', 'us-east', 'ap-southeast'] }))
    expect(calls.map(({ url }) => new URL(url).host)).toEqual(['eu-central.pool.test'])
  })
})
