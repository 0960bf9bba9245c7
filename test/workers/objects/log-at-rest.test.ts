/** What is stored of an answer says nothing to who has not the key of its epoch. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { wholeAnswer } from '../../support/pool-events.ts'
import { TOKENS } from '../../support/token-engine.ts'
import { aJob, anEpochKey, cachedAs, limitedTo, readAll } from '../support/jobs.ts'
import { inOwnShard, type OwnShard } from '../support/own-shard.ts'
import { answerTo, engine, eventStream, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

async function askOwn({ shard: own }: OwnShard, job = aJob('')): ReturnType<typeof readAll> {
  return readAll(await own.open(job))
}

describe('at rest', () => {
  test('no row has anything of the question, the answer, the keys or the pools as it is', () =>
    inOwnShard({}, async (own) => {
      const job = limitedTo(aJob('a very secret question'), 12)
      const calls = answerTo('a very secret question', (call) => {
        // The first dies, so that what is known of a stitched log is there, too.
        return calls.length === 1 ? eventStream(textOfTokens(5)) : engine()(call)
      })
      await askOwn(own, job)
      await askOwn(own, limitedTo(aJob('a very secret question'), 15))
      await own.shard.claim('keyed name', 'keyed request', 60)
      const { sql } = own.state.storage
      const tables = sql
        .exec<{ name: string }>(
          `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
        )
        .toArray()
      expect(tables.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['claim', 'quarantine', 'take', 'take_segment']),
      )
      const rows = tables.flatMap(({ name }) => sql.exec(`SELECT * FROM ${name}`).toArray())
      expect(rows.length).toBeGreaterThanOrEqual(3)
      // Of a take's own name and of its fingerprint, which is keyed, rows may speak.
      const bytes = rows
        .flatMap((row) => Object.values(row))
        .map((value) =>
          value instanceof ArrayBuffer ? new TextDecoder('latin1').decode(value) : String(value),
        )
        .filter((value) => !value.startsWith('fingerprint of'))
        .join('\n')
      const latin1 = (text: string): string =>
        new TextDecoder('latin1').decode(new TextEncoder().encode(text))
      for (const plain of [
        'secret',
        'choices',
        'content',
        ...TOKENS.filter((token) => token.length > 2),
        'eu-central',
        'us-east',
        'pool.test',
        'story',
        'demo',
        'k1',
        'salt',
        job.wrappedKey,
        job.run,
        'length',
        'sealed',
      ]) {
        expect(bytes).not.toContain(latin1(plain))
      }
    }))

  test('nobody reads it without the key of its epoch: a purge has destroyed that', () =>
    inOwnShard({}, async (own) => {
      answerTo('purged', engine())
      await askOwn(own, aJob('purged'))
      own.restart()
      const after = cachedAs(aJob('purged', { wrappedKey: await anEpochKey() }), { onlyIfCached: true })
      expect(await askOwn(own, after)).toMatchObject({ refused: 'not_cached' })
      expect(own.lines).toHaveLength(1)
      const before = cachedAs(aJob('purged'), { onlyIfCached: true })
      own.restart()
      expect((await askOwn(own, before)).facts?.outcome).toBe('hit')
    }))

  test('with a key that is none, an answer is made and none stored', () =>
    inOwnShard({}, async (own) => {
      answerTo('no key', engine())
      expect(await askOwn(own, aJob('no key', { wrappedKey: 'nothing' }))).toMatchObject({
        outcome: 'completed',
      })
      await expect.poll(() => own.lines).toMatchObject([{ what: 'unwritable' }])
      expect(own.state.storage.sql.exec('SELECT * FROM take').toArray()).toEqual([])
    }))

  function textOfTokens(count: number): string {
    return wholeAnswer(...TOKENS.slice(0, count))
      .split('data: ')
      .slice(0, count + 2)
      .join('data: ')
  }
})
