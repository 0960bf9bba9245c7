/** What is asked for again is copied to KV, if it may be anywhere, and read from there like from its log. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { KeptLog } from '../../../shared/log/document.ts'
import type { GenerationJob } from '../../../workers/objects/log-shard-rpc.ts'
import { createAnswerStore } from '../../../workers/stores/answer-store.ts'
import { keptAnswer } from '../../../workers/stream/kept-answer.ts'
import { createVault } from '../../../workers/vault/vault.ts'
import { aKv } from '../../unit/workers/a-kv.ts'
import { delta } from '../../support/pool-events.ts'
import { WHOLE_TEXT } from '../../support/token-engine.ts'
import { aJob, cachedAs, contentOf, limitedTo, readAll, reading } from '../support/jobs.ts'
import { inOwnShard } from '../support/own-shard.ts'
import { answerTo, engine, held, standInForPools } from '../support/stand-in-pools.ts'

beforeAll(standInForPools)
afterAll(() => {
  vi.restoreAllMocks()
})

const MASTER_SECRET = new TextEncoder().encode('test encryption secret of 32 bytes or more')

function free(prompt: string): GenerationJob {
  return cachedAs(aJob(prompt), { isPromotable: true })
}

/** A shard whose KV is a test's. */
function withKv() {
  const kv = aKv()
  const options = { runtime: { answers: () => kv.namespace } }
  const store = createAnswerStore(kv.namespace, createVault({ current: MASTER_SECRET }), () => undefined)
  const fetched = (job: GenerationJob): Promise<KeptLog | undefined> =>
    store.fetch(job.fingerprint, job.wrappedKey)
  return { kv, options, fetched }
}

test('the second replay copies it, once, and the copy gives what the log gives', () => {
  const { kv, options, fetched } = withKv()
  return inOwnShard(options, async ({ shard }) => {
    answerTo('again', engine())
    const ask = async () => readAll(await shard.open(free('again')))
    const made = await ask()
    await ask()
    expect(kv.puts).toEqual([])
    await ask()
    await expect.poll(() => kv.puts.length).toBe(1)
    await ask()
    await ask()
    expect(kv.puts).toHaveLength(1)
    const kept = await fetched(free('again'))
    if (kept === undefined) throw new Error('there is a copy')
    const { members, usage, outcome, pools } = await keptAnswer(kept, undefined).next()
    expect({ members, usage, outcome, pools }).toEqual({
      members: made.members,
      usage: made.usage,
      outcome: 'completed',
      pools: made.pools,
    })
    expect(contentOf({ members })).toBe(WHOLE_TEXT)
  })
})

describe('is not copied', () => {
  test.each<[string, (prompt: string) => GenerationJob]>([
    ['what its placement keeps where it is', (prompt) => aJob(prompt)],
    ['what has less than a second to live', (prompt) => cachedAs(free(prompt), { ttlSeconds: 0.9 })],
  ])('%s', (name, jobOf) => {
    const { kv, options } = withKv()
    return inOwnShard(options, async ({ shard }) => {
      answerTo(name, engine())
      for (let time = 0; time < 4; time += 1) await readAll(await shard.open(jobOf(name)))
      await scheduler.wait(50)
      expect(kv.puts).toEqual([])
    })
  })

  test('what is still being made, however many have all they want of it', () => {
    const { kv, options } = withKv()
    return inOwnShard(options, async ({ shard }) => {
      const pool = held()
      const calls = answerTo('made', pool.answer)
      const maker = reading(await shard.open(free('made')))
      await expect.poll(() => calls.length).toBe(1)
      const usage = (tokens: number): string =>
        delta(`${tokens}`).replace(
          '"choices"',
          `"usage":{"prompt_tokens":1,"completion_tokens":${tokens}},"choices"`,
        )
      pool.say(usage(1) + usage(2) + usage(3))
      await maker.upTo(3)
      for (let time = 0; time < 4; time += 1) {
        const cut = await readAll(await shard.open(limitedTo(free('made'), 2)))
        expect(cut.facts?.outcome).toBe('hit')
      }
      await scheduler.wait(50)
      expect(kv.puts).toEqual([])
      await maker.leave()
    })
  })

  test('more than so many an hour', () => {
    const { kv, options } = withKv()
    return inOwnShard({ ...options, log: { promotions_per_hour: 1 } }, async ({ shard, clock }) => {
      const askThrice = async (prompt: string): Promise<void> => {
        answerTo(prompt, engine())
        for (let time = 0; time < 3; time += 1) await readAll(await shard.open(free(prompt)))
        await scheduler.wait(50)
      }
      await askThrice('one')
      await askThrice('two')
      expect(kv.puts).toHaveLength(1)
      clock.nowMs += 3_600_000
      await askThrice('three')
      expect(kv.puts).toHaveLength(2)
    })
  })
})

test('a refresh is copied at once: what was there before is not to be replayed', () => {
  const { kv, options, fetched } = withKv()
  return inOwnShard(options, async ({ shard }) => {
    answerTo('fresh', engine())
    for (let time = 0; time < 3; time += 1) await readAll(await shard.open(free('fresh')))
    await expect.poll(() => kv.puts.length).toBe(1)
    const before = await fetched(free('fresh'))
    const made = await readAll(await shard.open(cachedAs(free('fresh'), { read: false })))
    await expect.poll(() => kv.puts.length).toBe(2)
    const after = await fetched(free('fresh'))
    expect(after?.life.createdAtMs).toBe(made.facts?.createdAtMs)
    expect(before).toBeDefined()
  })
})

test('a KV that fails costs the copy and nothing else', () => {
  const { kv, options } = withKv()
  kv.how = 'fails'
  return inOwnShard(options, async ({ shard, lines }) => {
    answerTo('fails', engine())
    for (let time = 0; time < 4; time += 1) {
      expect((await readAll(await shard.open(free('fails')))).outcome).toBe('completed')
    }
    await expect
      .poll(() => lines)
      .toEqual([{ event: 'storage_error', object: 'log_shard', what: 'not_promoted' }])
  })
})
