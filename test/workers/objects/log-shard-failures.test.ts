/** What fails is not kept as if it was whole, is finished where it can be, and never leaves what the rules allow. */
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

describe('a job is decided again under the config of the shard', () => {
  const EU_HOME = { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: true }
  const ALL_POOLS = ['eu-central', 'us-east', 'ap-southeast']
  test.each([
    ['a tenant it does not know', { tenant: 'stranger' }, 'config_unavailable'],
    [
      'a home it does not know',
      { home: { region: 'mars', jurisdiction: 'eu', enforceJurisdiction: false } },
      'config_unavailable',
    ],
    ['no pool that both allow', { allowedPools: ['elsewhere'] }, 'config_unavailable'],
    [
      'a tenant bound to another place than the pools',
      { tenant: 'eu-bank', allowedPools: ['us-east'] },
      'config_unavailable',
    ],
    [
      'a home that nobody keeps in the jurisdiction of the floor',
      { tenant: 'eu-bank', home: { ...EU_HOME, enforceJurisdiction: false } },
      'config_unavailable',
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
      'config_unavailable',
    ],
  ])('%s', async (name, changes, refused) => {
    const calls = answerTo(name, engine())
    expect(await ask(aJob(name, changes))).toMatchObject({ refused, members: [] })
    expect(calls).toHaveLength(0)
  })

  test('and asks only pools of both lists, whatever fails', async () => {
    const calls = answerTo('bounded', () => new Response('', { status: 500 }))
    await ask(aJob('bounded', { tenant: 'eu-bank', home: EU_HOME, allowedPools: ALL_POOLS }))
    expect(calls.map(poolOf)).toEqual(['eu-central'])
  })

  test('and has an answer continued only by pools of both lists, too', async () => {
    const calls = answerTo('bounded on', (call) => eventStream(engineText(engineEvents(call.body), 3)))
    const read = await ask(aJob('bounded on', { tenant: 'eu-bank', home: EU_HOME, allowedPools: ALL_POOLS }))
    expect(read).toMatchObject({ outcome: 'truncated' })
    expect(calls.map(poolOf)).toEqual(['eu-central'])
  })
})
