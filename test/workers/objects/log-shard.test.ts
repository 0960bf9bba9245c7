/** A log shard makes an answer once, and gives it to everyone whom it may serve, as it came. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { delta, DONE, finish, wholeAnswer } from '../../support/pool-events.ts'
import { engineEvents, engineText, TOKENS, WHOLE_TEXT } from '../../support/token-engine.ts'
import { aJob, aShard, cachedAs, contentOf, finishesOf, limitedTo, readAll } from '../support/jobs.ts'
import { answerTo, atOnce, engine, eventStream, poolOf, standInForPools } from '../support/stand-in-pools.ts'

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
    answerTo('to its end', (call) => {
      turn += 1
      // The first pool has gone when the second reader comes.
      return turn > 1 && poolOf(call) === 'eu-central' ? new Response('', { status: 500 }) : engine()(call)
    })
    await ask(limitedTo(aJob('to its end'), 9))
    const rest = await ask(limitedTo(aJob('to its end'), 50))
    expect([contentOf(rest), finishesOf(rest)]).toEqual([WHOLE_TEXT, ['stop']])
    expect(rest).toMatchObject({ outcome: 'completed', usage: { promptTokens: 7, completionTokens: 20 } })
    const { facts, pools } = await ask(limitedTo(aJob('to its end'), 50))
    expect(facts).toMatchObject({ outcome: 'hit', pool: 'eu-central', stitched: true })
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

describe('what is not kept', () => {
  const TOOLS = { body: { tools: [{ type: 'function', function: { name: 'f' } }] } }

  /** A job that nobody but its first pool could finish. */
  function notContinuable(prompt: string) {
    const job = aJob(prompt)
    return { ...job, generation: { ...job.generation, body: { ...job.generation.body, ...TOOLS.body } } }
  }

  const call = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'c' }] } }] })}\n\n`

  test.each([
    ['a stream that was cut', call],
    ['an error event after the first token', `${call}data: {"error":{"message":"secret"}}\n\n${DONE}`],
    ['a finish that means failure', call + finish('error') + DONE],
  ])('%s, of what nobody can go on with', async (name, text) => {
    const calls = answerTo(name, atOnce(text))
    const first = await ask(notContinuable(name))
    expect(first.outcome).not.toBe('completed')
    expect(first.outcome).toBeDefined()
    expect((await ask(notContinuable(name))).facts?.outcome).toBe('miss')
    expect(calls).toHaveLength(2)
    const rows = await runInDurableObject(shard, (_, { storage }) => [
      ...storage.sql.exec('SELECT * FROM take'),
      ...storage.sql.exec('SELECT * FROM take_segment'),
    ])
    expect(rows).toEqual([])
  })

  test('an answer of more than a log may hold', async () => {
    // 4.8 million characters; the limit is 4 MiB.
    const pieces = Array.from({ length: 400 }, () => 'x'.repeat(12_000))
    const calls = answerTo('too large', atOnce(wholeAnswer(...pieces)))
    await ask(aJob('too large'))
    expect((await ask(aJob('too large'))).facts?.outcome).toBe('miss')
    expect(calls).toHaveLength(2)
  })

  test('a refusal', async () => {
    const calls = answerTo('refused', () => Response.json({ error: 'no' }, { status: 400 }))
    expect(await ask(aJob('refused'))).toEqual({ refused: 'pool_rejected_request', members: [], tokens: [] })
    await ask(aJob('refused'))
    expect(calls).toHaveLength(2)
  })
})

describe('an answer whose pool dies', () => {
  test('is finished by another, and kept like any whole one', async () => {
    let turn = 0
    const calls = answerTo('dies', (call) => {
      turn += 1
      const events = engineEvents(call.body)
      return eventStream(engineText(events, turn === 1 ? 7 : Infinity))
    })
    const made = await ask(aJob('dies'))
    expect(contentOf(made)).toBe(WHOLE_TEXT)
    expect(made).toMatchObject({ outcome: 'completed', usage: { promptTokens: 7, completionTokens: 20 } })
    expect(made.pools).toEqual(calls.map(poolOf))
    expect(new Set(made.pools).size).toBe(2)
    expect(await ask(aJob('dies'))).toMatchObject({
      facts: { outcome: 'hit', stitched: true },
      members: made.members,
      usage: made.usage,
    })
  })

  test('and that no other finishes is continued for the next reader', async () => {
    let turn = 0
    const calls = answerTo('broken', (call) => {
      turn += 1
      if (turn === 1) return eventStream(engineText(engineEvents(call.body), 7))
      return turn < 4 ? new Response('', { status: 500 }) : engine()(call)
    })
    const first = await ask(aJob('broken'))
    expect(first).toMatchObject({ outcome: 'truncated', events: 8 })
    expect([contentOf(first), finishesOf(first)]).toEqual([textOf(7), []])
    const second = await ask(aJob('broken'))
    expect(second).toMatchObject({ facts: { outcome: 'extended' }, outcome: 'completed' })
    expect([contentOf(second), finishesOf(second)]).toEqual([WHOLE_TEXT, ['stop']])
    expect(calls.at(-1)?.body.messages?.at(-1)).toEqual({ role: 'assistant', content: textOf(7) })
    expect(await ask(aJob('broken'))).toMatchObject({ facts: { outcome: 'hit' }, members: second.members })
  })

  test('and under which two died is refused to all for a while, but what is there is not', async () => {
    const calls = answerTo('poison', (call) => eventStream(engineText(engineEvents(call.body), 3)))
    const first = await ask(aJob('poison'))
    expect(first).toMatchObject({ outcome: 'truncated' })
    expect(contentOf(first)).toBe(textOf(6))
    expect(calls).toHaveLength(2)
    expect(await ask(aJob('poison'))).toMatchObject({ refused: 'request_quarantined' })
    await evictDurableObject(shard)
    expect(await ask(aJob('poison'))).toMatchObject({ refused: 'request_quarantined' })
    // Its beginning is another matter: it is cut for who wants no more.
    expect(contentOf(await ask(limitedTo(aJob('poison'), 5)))).toBe(textOf(5))
    expect(calls).toHaveLength(2)
  })
})

describe('a stored answer is not used', () => {
  test.each([
    ['when the reader wants a fresh one', { cache: { read: false } }, 'refresh'],
    [
      'when the reader may not have what its pool made',
      { allowedPools: ['us-east', 'ap-southeast'] },
      'miss',
    ],
    ['when the reader takes none that is older than now', { cache: { maxAgeSeconds: -1 } }, 'miss'],
  ])('%s', async (name, { cache = {}, ...changes }, outcome) => {
    const calls = answerTo(name, engine())
    // Only one pool may make the first.
    await ask(aJob(name, { allowedPools: ['eu-central'] }))
    expect((await ask(cachedAs(aJob(name, changes), cache))).facts?.outcome).toBe(outcome)
    expect(calls).toHaveLength(2)
  })
})

describe('a refresh', () => {
  test('takes the place of what was there, for those who come after', async () => {
    let turn = 0
    const calls = answerTo('fresh', (call) => {
      turn += 1
      return atOnce(wholeAnswer(`answer ${turn}`))(call)
    })
    await ask(aJob('fresh'))
    expect(contentOf(await ask(cachedAs(aJob('fresh'), { read: false })))).toBe('answer 2')
    expect(contentOf(await ask(aJob('fresh')))).toBe('answer 2')
    await evictDurableObject(shard)
    expect(contentOf(await ask(aJob('fresh')))).toBe('answer 2')
    expect(calls).toHaveLength(2)
  })

  test('that fails leaves what was there', async () => {
    let turn = 0
    answerTo('stale', (call) => {
      turn += 1
      return turn === 1 ? engine()(call) : new Response('', { status: 400 })
    })
    const made = await ask(aJob('stale'))
    expect(await ask(cachedAs(aJob('stale'), { read: false }))).toMatchObject({
      refused: 'pool_rejected_request',
    })
    expect(await ask(aJob('stale'))).toMatchObject({ facts: { outcome: 'hit' }, members: made.members })
    await evictDurableObject(shard)
    expect(await ask(aJob('stale'))).toMatchObject({ facts: { outcome: 'hit' }, members: made.members })
  })

  test('that is cut does not take the place of a whole one', async () => {
    let turn = 0
    answerTo('cut', (call) => {
      turn += 1
      if (turn === 1) return engine()(call)
      return turn === 2 ? eventStream(delta('something else')) : new Response('', { status: 500 })
    })
    const made = await ask(aJob('cut'))
    expect(await ask(cachedAs(aJob('cut'), { read: false }))).toMatchObject({ outcome: 'truncated' })
    expect(await ask(aJob('cut'))).toMatchObject({ facts: { outcome: 'hit' }, members: made.members })
    await evictDurableObject(shard)
    expect(await ask(aJob('cut'))).toMatchObject({ facts: { outcome: 'hit' }, members: made.members })
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
    const calls = answerTo(name, engine())
    expect(await ask(aJob(name, changes))).toMatchObject({ refused, members: [] })
    expect(calls).toHaveLength(0)
  })

  test('and asks only pools of both lists, whatever fails', async () => {
    const calls = answerTo('bounded', () => new Response('', { status: 500 }))
    await ask(aJob('bounded', { tenant: 'eu-bank', allowedPools: ['eu-central', 'us-east', 'ap-southeast'] }))
    expect(calls.map(poolOf)).toEqual(['eu-central'])
  })

  test('and has an answer continued only by pools of both lists, too', async () => {
    const calls = answerTo('bounded on', (call) => eventStream(engineText(engineEvents(call.body), 3)))
    const read = await ask(
      aJob('bounded on', { tenant: 'eu-bank', allowedPools: ['eu-central', 'us-east', 'ap-southeast'] }),
    )
    expect(read).toMatchObject({ outcome: 'truncated' })
    expect(calls.map(poolOf)).toEqual(['eu-central'])
  })
})
