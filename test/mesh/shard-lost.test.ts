/** A log shard or a ledger that does not answer, or has too much to do, costs sharing and nothing else. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readAnswer } from '../support/answer.ts'
import { KEYS, sha256 } from '../support/mesh-config.ts'
import { inLogShards, SHARDS_PER_HOME } from '../support/objects.ts'
import { said, startOneEngine, type OneEngineMesh } from '../support/one-engine.ts'

const STREAM = { stream: true, stream_options: { include_usage: true } }
const FORMS = [
  ['one JSON', {}],
  ['a stream', STREAM],
] as const
const STORY = { max_tokens: 20, ignore_eos: true }
const LONG_MS = 60_000
const WAIT = { timeout: 30_000, interval: 20 }
const FAR_KEY = 'sk-mesh-far-0123456789abcdefghijABCDEFGHIJ'

describe('a shard that is further away than an edge waits', () => {
  let one: OneEngineMesh
  beforeAll(async () => {
    one = await startOneEngine({
      colos: ['FRA'],
      engine: { prefillOverheadMs: 600, interTokenLatencyMs: 2 },
      // Virginia is 93 ms away.
      delays: JSON.stringify({ objects: true, commitMs: 0, kvColdMs: 0, kvStaleMs: 0 }),
      changes: {
        log: { open_within_ms: 40, shards_per_home: SHARDS_PER_HOME },
        tenants: [
          { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
          { id: 'far', floor: { jurisdictions: ['us'] }, keys: [{ id: 'k1', sha256: sha256(FAR_KEY) }] },
        ],
      },
    })
    await one.ask('Warm up', STORY, { key: FAR_KEY })
  })
  afterAll(() => one.mesh.stop())

  test.each(FORMS)('is done without: %s is made here, whole, and not kept', async (_form, form) => {
    const prompt = one.fresh()
    const expected = said(await one.uninterrupted(prompt, STORY))
    const takes = () => inLogShards(one.mesh, 'SELECT take FROM take ORDER BY take')
    const known = await takes()
    for (let time = 0; time < 2; time += 1) {
      const before = one.made()
      const answer = await one.ask(prompt, { ...STORY, ...form }, { key: FAR_KEY })
      expect([answer.word, said(answer)]).toEqual(['bypass', expected])
      expect(answer.headers.get('cache-status')).toBe('warmpath; fwd=bypass; detail=shard_unreachable')
      expect(answer.headers.get('x-mesh-run')).toBeNull()
      // What the shard began all the same, it has let go of.
      await expect.poll(() => one.engine.stats().running, WAIT).toBe(0)
      expect(one.since(before).tokens).toBe(20)
    }
    expect(await takes()).toEqual(known)
  })

  test('has nothing for who wants only what is cached', async () => {
    const answer = await one.ask(one.fresh(), STORY, { key: FAR_KEY, cache: 'only' })
    expect([answer.status, answer.error]).toEqual([504, 'not_cached'])
  })
})

describe('a shard that makes as much as its memory allows', () => {
  /** Each token comes with some kilobytes of these. */
  const LARGE = { max_tokens: 1000, ignore_eos: true, logprobs: true, top_logprobs: 20, ...STREAM }
  let one: OneEngineMesh
  beforeAll(async () => {
    one = await startOneEngine({
      colos: ['FRA'],
      engine: {},
      changes: { log: { open_within_ms: 20_000, shards_per_home: 1, max_shard_bytes: 1024 * 1024 } },
    })
  })
  afterAll(() => one.mesh.stop())
  afterEach(() => one.engine.clearFaults())

  test(
    'makes nothing more, lets others join what it makes, and is back when that is over',
    async () => {
      const large = one.fresh()
      one.engine.setFaults({ stall_after_tokens: 900, times: 1 })
      const leave = new AbortController()
      const first = await one.send(large, LARGE, { signal: leave.signal })
      expect(first.headers.get('cache-status')).toBe('warmpath; fwd=miss')
      await expect.poll(() => one.engine.stats().tokens_generated, WAIT).toBeGreaterThan(900)
      const reader = first.body?.getReader()
      await reader?.read()

      // What it has been given it makes to the end: it is full when it refuses the next one.
      const isFull = async () => (await one.ask(one.fresh(), STORY)).word
      await expect.poll(isFull, WAIT).toBe('bypass')
      for (const [, form] of FORMS) {
        const prompt = one.fresh()
        const answer = await one.ask(prompt, { ...STORY, ...form })
        expect([answer.word, said(answer)]).toEqual(['bypass', said(await one.uninterrupted(prompt, STORY))])
        expect(answer.headers.get('cache-status')).toBe('warmpath; fwd=bypass; detail=shard_busy')
      }
      const other = new AbortController()
      const joined = await one.send(large, LARGE, { signal: other.signal })
      expect(joined.headers.get('x-mesh-cache')).toBe('coalesced')

      for (const each of [leave, other]) each.abort()
      await expect.poll(() => one.engine.stats().running, WAIT).toBe(0)
      const again = async () => (await one.ask(one.fresh(), STORY)).word
      await expect.poll(again, WAIT).toBe('miss')
    },
    LONG_MS,
  )
})

describe('a ledger that fails', () => {
  let one: OneEngineMesh
  beforeAll(async () => {
    one = await startOneEngine({ colos: ['FRA'], ledger: 'fails' })
  })
  afterAll(() => one.mesh.stop())

  test.each(FORMS)('costs who may be anywhere the sharing of %s', async (_form, form) => {
    const prompt = one.fresh()
    for (let time = 0; time < 2; time += 1) {
      const answer = await one.ask(prompt, { ...STORY, ...form })
      expect([answer.status, answer.word, answer.finish]).toEqual([200, 'bypass', 'length'])
      expect(answer.headers.get('cache-status')).toBe('warmpath; fwd=bypass; detail=no_lease')
    }
  })

  test('has restricted tenants refused, and told to come back', async () => {
    for (const body of [STORY, { ...STORY, temperature: 1 }]) {
      const before = one.made()
      const answer = await readAnswer(await one.send(one.fresh(), body, { key: KEYS['eu-bank'] }))
      expect([answer.status, answer.error]).toEqual([503, 'config_unavailable'])
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(one.since(before).generations).toBe(0)
    }
  })
})
