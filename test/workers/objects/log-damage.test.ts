/** A store that is damaged, or fails, costs a generation and no more, and is told of. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { wholeAnswer } from '../../support/pool-events.ts'
import { WHOLE_TEXT } from '../../support/token-engine.ts'
import { aJob, cachedAs, contentOf, readAll } from '../support/jobs.ts'
import { inOwnShard, type OwnShard } from '../support/own-shard.ts'
import { answerTo, engine, eventStream, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

async function askOwn({ shard: own }: OwnShard, job = aJob('')): ReturnType<typeof readAll> {
  return readAll(await own.open(job))
}

describe('a stored log that cannot be read is a miss, and counted', () => {
  const UNREADABLE = { event: 'storage_error', object: 'log_shard', what: 'unreadable' }

  test.each([
    ['no ciphertext', `UPDATE take SET about = '{"summary":'`],
    ['about another take', 'UPDATE take SET take = take || 1'],
    ['no events', 'DELETE FROM take_segment'],
    ['a part of its events', 'DELETE FROM take_segment WHERE number = 1'],
    [
      'its last events missing',
      'DELETE FROM take_segment WHERE number = (SELECT MAX(number) FROM take_segment)',
    ],
    ['segments in another order', 'UPDATE take_segment SET number = 99 - number'],
    [
      'a segment twice',
      'UPDATE take_segment SET events = (SELECT events FROM take_segment WHERE number = 0)',
    ],
  ])('%s', (name, damage) =>
    inOwnShard({}, async (own) => {
      // Enough for several segments.
      const pieces = Array.from({ length: 40 }, () => 'x'.repeat(3000))
      const calls = answerTo(name, inPieces(pieces))
      await askOwn(own, aJob(name))
      expect(own.state.storage.sql.exec('SELECT * FROM take_segment').toArray().length).toBeGreaterThan(2)
      own.state.storage.sql.exec(damage)
      own.restart()
      const again = await askOwn(own, aJob(name))
      expect(again).toMatchObject({ facts: { outcome: 'miss' }, outcome: 'completed' })
      expect(own.lines).toEqual([UNREADABLE])
      expect(calls).toHaveLength(2)
      // What was unreadable has been replaced.
      own.restart()
      expect((await askOwn(own, aJob(name))).facts?.outcome).toBe('hit')
    }),
  )

  test('any one bit of it changed', () =>
    inOwnShard({}, async (own) => {
      answerTo('bit', engine())
      await askOwn(own, aJob('bit'))
      const { sql } = own.state.storage
      const [{ about, events } = { about: new ArrayBuffer(), events: new ArrayBuffer() }] = sql
        .exec<{ about: ArrayBuffer; events: ArrayBuffer }>(
          'SELECT about, events FROM take JOIN take_segment USING (take)',
        )
        .toArray()
      const flipped = (blob: ArrayBuffer, bit: number): Uint8Array => {
        const bytes = new Uint8Array(blob.slice())
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        return bytes
      }
      // Some of them, in nonce, text and tag; the others are no different.
      const places = (blob: ArrayBuffer): number[] => {
        const bits = blob.byteLength * 8
        return [0, 7, 95, 96, 97, 500, bits - 129, bits - 128, bits - 1]
      }
      const only = cachedAs(aJob('bit'), { onlyIfCached: true })
      let failures = 0
      for (const [table, column, blob] of [
        ['take', 'about', about],
        ['take_segment', 'events', events],
      ] as const) {
        for (const bit of places(blob)) {
          sql.exec(`UPDATE ${table} SET ${column} = ?`, flipped(blob, bit))
          own.restart()
          expect(await askOwn(own, only)).toMatchObject({ refused: 'not_cached' })
          failures += 1
          expect(own.lines).toHaveLength(failures)
        }
        sql.exec(`UPDATE ${table} SET ${column} = ?`, new Uint8Array(blob))
      }
      own.restart()
      expect((await askOwn(own, only)).facts?.outcome).toBe('hit')
      expect(own.lines.every(({ what }) => what === 'unreadable')).toBe(true)
    }))

  test('of another format it is absent, and nothing is wrong', () =>
    inOwnShard({}, async (own) => {
      answerTo('format', engine())
      await askOwn(own, aJob('format'))
      own.state.storage.sql.exec('UPDATE take SET format = 3')
      own.restart()
      expect((await askOwn(own, aJob('format'))).facts?.outcome).toBe('miss')
      expect(own.lines).toEqual([])
      own.restart()
      expect((await askOwn(own, aJob('format'))).facts?.outcome).toBe('hit')
    }))
})

describe('a database that fails', () => {
  test('by what it is given costs what is stored, and not the answer', () =>
    inOwnShard({}, async (own) => {
      answerTo('full', engine())
      own.state.storage.sql.exec('DROP TABLE take_segment')
      const read = await askOwn(own, aJob('full'))
      expect(read).toMatchObject({ outcome: 'completed' })
      expect(contentOf(read)).toBe(WHOLE_TEXT)
      await expect
        .poll(() => own.lines)
        .toEqual([{ event: 'storage_error', object: 'log_shard', what: 'unwritable' }])
      // It is in memory, until the object restarts.
      expect((await askOwn(own, aJob('full'))).facts?.outcome).toBe('hit')
    }))

  test('when it is read costs a generation, and that only while it does', () =>
    inOwnShard({}, async (own) => {
      const calls = answerTo('unread', engine())
      await askOwn(own, aJob('unread'))
      own.restart()
      own.state.storage.sql.exec('ALTER TABLE take RENAME TO gone')
      expect((await askOwn(own, aJob('unread'))).facts?.outcome).toBe('miss')
      expect(own.lines[0]).toEqual({ event: 'storage_error', object: 'log_shard', what: 'unreadable' })
      own.state.storage.sql.exec('ALTER TABLE gone RENAME TO take')
      own.restart()
      expect((await askOwn(own, aJob('unread'))).facts?.outcome).toBe('hit')
      expect(calls).toHaveLength(2)
    }))
})

/** Each piece in a read of its own, as pools send them. */
function inPieces(pieces: readonly string[]) {
  return () => {
    const events = wholeAnswer(...pieces).split(/(?<=\n\n)/)
    const encoder = new TextEncoder()
    return eventStream(
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const event = events.shift()
            if (event === undefined) controller.close()
            else controller.enqueue(encoder.encode(event))
          },
        },
        { highWaterMark: 0 },
      ),
    )
  }
}
