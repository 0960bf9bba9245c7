/** A log shard makes an answer once, and gives it to everyone whom it may serve, as it came. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import { wholeAnswer } from '../../support/pool-events.ts'
import { TOKENS, WHOLE_TEXT } from '../../support/token-engine.ts'
import { aJob, aShard, cachedAs, contentOf, finishesOf, limitedTo, readAll } from '../support/jobs.ts'
import { answerTo, atOnce, engine, poolOf, standInForPools } from '../support/stand-in-pools.ts'

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

const textOf = (tokens: number): string => TOKENS.slice(0, tokens).join('')

describe('a whole answer', () => {
  test('is made once and replayed with the same lines', async () => {
    const calls = answerTo('replay', engine())
    const made = await ask(aJob('replay'))
    const replayed = await ask(aJob('replay'))
    expect(made).toMatchObject({ facts: { outcome: 'miss', attempts: 1 }, outcome: 'completed' })
    expect(replayed.facts).toMatchObject({ outcome: 'hit', pool: made.facts?.pool })
    const { facts: _made, ...lines } = made
    expect(replayed).toMatchObject(lines)
    expect(contentOf(replayed)).toBe(WHOLE_TEXT)
    expect(made).toMatchObject({
      usage: { promptTokens: 7, completionTokens: 20 },
      pools: [made.facts?.pool],
      events: 22,
    })
    expect(calls).toHaveLength(1)
  })

  test('survives the eviction of its shard', async () => {
    const calls = answerTo('evicted', engine())
    const { facts: _made, ...lines } = await ask(aJob('evicted'))
    await evictDurableObject(shard)
    expect(await ask(aJob('evicted'))).toMatchObject({ ...lines, facts: { outcome: 'hit' } })
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
    const pieces = ['✓'.repeat(800_001), ...Array.from({ length: 60 }, () => '✓'.repeat(4001))]
    const calls = answerTo('large', atOnce(wholeAnswer(...pieces)))
    const made = await ask(aJob('large'))
    await evictDurableObject(shard)
    const replayed = await ask(aJob('large'))
    expect(replayed.facts?.outcome).toBe('hit')
    expect(replayed.members).toEqual(made.members)
    expect(replayed.usage).toEqual(made.usage)
    expect(contentOf(replayed)).toBe(pieces.join(''))
    expect(calls).toHaveLength(1)
    const sizes = await runInDurableObject(shard, (_, { storage }) =>
      storage.sql
        .exec<{ size: number }>('SELECT length(events) AS size FROM take_segment')
        .toArray()
        .map(({ size }) => size),
    )
    // Each with its nonce and tag.
    expect(Math.max(...sizes)).toBe(1024 * 1024 + 28)
    expect(sizes.length).toBeGreaterThan(2)
  })
})

describe('an answer that its limit ended', () => {
  test('is whole for the same limit, cut for a smaller, continued for a larger, made anew without', async () => {
    const calls = answerTo('limits', engine())
    expect(await ask(limitedTo(aJob('limits'), 9))).toMatchObject({
      facts: { outcome: 'miss' },
      outcome: 'completed',
    })

    const same = await ask(limitedTo(aJob('limits'), 9))
    expect(same).toMatchObject({ facts: { outcome: 'hit' }, usage: { completionTokens: 9 } })
    expect([contentOf(same), finishesOf(same)]).toEqual([textOf(9), ['length']])

    const smaller = await ask(limitedTo(aJob('limits'), 4))
    expect(smaller).toMatchObject({ facts: { outcome: 'hit' }, usage: { completionTokens: 4 } })
    expect([contentOf(smaller), finishesOf(smaller)]).toEqual([textOf(4), ['length']])
    expect(calls).toHaveLength(1)

    const larger = await ask(limitedTo(aJob('limits'), 15))
    expect(larger).toMatchObject({ facts: { outcome: 'extended' }, usage: { completionTokens: 15 } })
    expect([contentOf(larger), finishesOf(larger)]).toEqual([textOf(15), ['length']])
    expect(calls[1]?.body).toMatchObject({ max_tokens: 6, messages: [{}, { content: textOf(9) }] })

    // What was served before is served as it was, from the log that is now longer.
    for (const [limit, first] of [
      [9, same],
      [4, smaller],
      [15, larger],
    ] as const) {
      const again = await ask(limitedTo(aJob('limits'), limit))
      expect(again.facts?.outcome).toBe('hit')
      expect(again.members).toEqual(first.members)
      expect(again.usage).toEqual(first.usage)
    }
    expect(calls).toHaveLength(2)

    const whole = await ask(aJob('limits'))
    expect(whole).toMatchObject({ facts: { outcome: 'miss' }, usage: { completionTokens: 20 } })
    expect([contentOf(whole), finishesOf(whole)]).toEqual([WHOLE_TEXT, ['stop']])
    // And the whole one serves every limit.
    expect(contentOf(await ask(limitedTo(aJob('limits'), 19)))).toBe(textOf(19))
    expect(calls).toHaveLength(3)
  })

  test('and goes on to its own end says so, and what it is stitched of', async () => {
    let turn = 0
    let first: string | undefined
    answerTo('to its end', (call) => {
      turn += 1
      if (turn === 1) first = poolOf(call)
      // The first pool has gone when the second reader comes.
      return turn > 1 && poolOf(call) === first ? new Response('', { status: 500 }) : engine()(call)
    })
    await ask(limitedTo(aJob('to its end'), 9))
    const rest = await ask(limitedTo(aJob('to its end'), 50))
    expect([contentOf(rest), finishesOf(rest)]).toEqual([WHOLE_TEXT, ['stop']])
    expect(rest).toMatchObject({ outcome: 'completed', usage: { promptTokens: 7, completionTokens: 20 } })
    const { facts, pools } = await ask(limitedTo(aJob('to its end'), 50))
    expect(facts).toMatchObject({ outcome: 'hit', pool: first, stitched: true })
    expect(pools).toHaveLength(2)
    await evictDurableObject(shard)
    expect(await ask(limitedTo(aJob('to its end'), 50))).toMatchObject({
      facts: { outcome: 'hit', stitched: true },
      members: rest.members,
      usage: rest.usage,
    })
  })

  test('that no pool goes on with ends for who wants more as cut, and is kept as it was', async () => {
    let turn = 0
    const calls = answerTo('alone', (call) => {
      turn += 1
      return turn === 1 ? engine()(call) : new Response('', { status: 500 })
    })
    const first = await ask(limitedTo(aJob('alone'), 9))
    const more = await ask(limitedTo(aJob('alone'), 12))
    expect(more).toMatchObject({ facts: { outcome: 'extended' }, outcome: 'truncated' })
    expect([contentOf(more), finishesOf(more)]).toEqual([textOf(9), []])
    await evictDurableObject(shard)
    const again = await ask(limitedTo(aJob('alone'), 9))
    expect(again).toMatchObject({ facts: { outcome: 'hit' }, members: first.members, usage: first.usage })
    expect(calls).toHaveLength(4)
  })
})

describe('a stored answer is not used', () => {
  test.each<[string, (prompt: string) => GenerationJob, string]>([
    ['when the reader wants a fresh one', (prompt) => cachedAs(aJob(prompt), { read: false }), 'refresh'],
    [
      'when the reader may not have what its pool made',
      (prompt) => aJob(prompt, { allowedPools: ['us-east', 'ap-southeast'] }),
      'miss',
    ],
    [
      'when the reader takes none that is older than now',
      (prompt) => cachedAs(aJob(prompt), { maxAgeSeconds: -1 }),
      'miss',
    ],
  ])('%s', async (name, jobOf, outcome) => {
    const calls = answerTo(name, engine())
    // Only one pool may make the first.
    await ask(aJob(name, { allowedPools: ['eu-central'] }))
    expect((await ask(jobOf(name))).facts?.outcome).toBe(outcome)
    expect(calls).toHaveLength(2)
  })
})

test('who takes only what is cached gets it, and else a refusal without a pool being asked', async () => {
  const calls = answerTo('only', engine())
  const only = cachedAs(aJob('only'), { onlyIfCached: true })
  expect(await ask(only)).toMatchObject({ refused: 'not_cached', members: [] })
  expect(calls).toHaveLength(0)
  await ask(limitedTo(aJob('only'), 9))
  expect((await ask(limitedTo(only, 9))).facts?.outcome).toBe('hit')
  expect((await ask(limitedTo(only, 5))).facts?.outcome).toBe('hit')
  // The rest would have to be made.
  expect(await ask(limitedTo(only, 12))).toMatchObject({ refused: 'not_cached' })
  expect(calls).toHaveLength(1)
})

describe('a copy for the edge', () => {
  const wanting = { wantsCopy: true }

  test('is offered of a whole answer, to who wants it and gets all of it', async () => {
    answerTo('copy', engine())
    expect(await ask(cachedAs(aJob('copy'), wanting))).not.toHaveProperty('copy')
    const { copy } = await ask(cachedAs(aJob('copy'), wanting))
    expect(copy).toContain('"state":"sealed"')
    expect(await ask(aJob('copy'))).not.toHaveProperty('copy')
    expect(await ask(limitedTo(cachedAs(aJob('copy'), wanting), 5))).not.toHaveProperty('copy')
  })

  test('is not offered of what is so large that few would fit', async () => {
    answerTo('large copy', atOnce(wholeAnswer('x'.repeat(130 * 1024))))
    await ask(aJob('large copy'))
    expect(await ask(cachedAs(aJob('large copy'), wanting))).not.toHaveProperty('copy')
  })
})
