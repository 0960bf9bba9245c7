/** Where a known answer is found: in its shard, in an isolate's memory, in KV. It is the same from all of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KEYS } from '../support/mesh-config.ts'
import { emptyLogShards, inLogShards, kvNames } from '../support/objects.ts'
import { said, type OneEngineMesh } from '../support/one-engine.ts'
import { bringTo, COLO_OF, newKvName, startTiers, TIERS } from '../support/tiers.ts'

const SHORT = { max_tokens: 12, ignore_eos: true }
const WAIT = { timeout: 20_000, interval: 20 }
const NOTHING = { generations: 0, tokens: 0 }

let one: OneEngineMesh
beforeAll(async () => {
  one = await startTiers()
})
afterAll(() => one.mesh.stop())
beforeEach(() => one.engine.clearFaults())

async function kv() {
  const { miniflare, objectOwner } = one.mesh
  return miniflare.getKVNamespace('ANSWERS', objectOwner)
}

async function wordsOf(
  prompt: string,
  colos: readonly string[],
  key: string = KEYS.demo,
): Promise<unknown[]> {
  const words: unknown[] = []
  for (const colo of colos) words.push((await one.ask(prompt, SHORT, { colo, key })).word)
  return words
}

describe('an answer', () => {
  test.each(TIERS)('found in %s is what it was when it was made', async (tier) => {
    const prompt = one.fresh()
    const first = await bringTo(tier, one, prompt, SHORT)
    const before = one.made()
    for (const form of [{}, { stream: true, stream_options: { include_usage: true } }]) {
      const found = await one.ask(prompt, { ...SHORT, ...form }, { colo: COLO_OF[tier] })
      expect([found.word, said(found)]).toEqual(['hit', said(first)])
      expect(found.usage).toEqual(first.usage)
      expect(found.headers.get('x-mesh-pool')).toBe(first.headers.get('x-mesh-pool'))
      expect(found.headers.get('cache-status')).toMatch(/^warmpath; hit; ttl=(3600|35\d\d)$/)
      expect(found.headers.get('age')).toMatch(/^\d+$/)
    }
    expect(one.since(before).tokens).toBe(0)
  })

  test.each(TIERS)('that two pools made says so from %s', async (tier) => {
    const prompt = one.fresh()
    one.engine.setFaults({ die_after_tokens: 5, times: 1 })
    await bringTo(tier, one, prompt, SHORT)
    const found = await one.ask(prompt, SHORT, { colo: COLO_OF[tier] })
    expect(found.headers.get('cache-status')).toMatch(/^warmpath; hit; ttl=\d+; detail=stitched$/)
    expect(said(found)).toEqual(said(await one.uninterrupted(prompt, SHORT)))
  })

  test('that one isolate has read is in its memory, and in no other’s', async () => {
    const prompt = one.fresh()
    await bringTo('memory', one, prompt, SHORT)
    await emptyLogShards(one.mesh)
    const before = one.made()
    expect(await wordsOf(prompt, ['FRA', 'FRA'])).toEqual(['hit', 'hit'])
    expect(one.since(before)).toEqual(NOTHING)
    expect(await wordsOf(prompt, ['AMS'])).toEqual(['miss'])
  })

  test('that its shard gives for the second time is copied to KV, where every region has it', async () => {
    const prompt = one.fresh()
    const before = await kvNames(one.mesh)
    await bringTo('memory', one, prompt, SHORT)
    expect(await kvNames(one.mesh)).toEqual(before)
    expect(await wordsOf(prompt, ['AMS'])).toEqual(['hit'])
    await expect.poll(() => kvNames(one.mesh), WAIT).toHaveLength(before.length + 1)

    await emptyLogShards(one.mesh)
    one.engine.setFaults({ slow_factor: 5 })
    const made = one.made()
    expect(await wordsOf(prompt, ['SIN', 'SIN', 'IAD'])).toEqual(['hit', 'hit', 'hit'])
    // A shard that was asked at the same time lets go of it.
    await expect.poll(() => one.engine.stats().running, WAIT).toBe(0)
    expect(one.since(made).tokens).toBe(0)
    expect(await inLogShards(one.mesh, 'SELECT take FROM take')).toEqual([])
  })

  test('in KV shows nothing but a keyed name and when it ends', async () => {
    const prompt = one.fresh()
    const before = await kvNames(one.mesh)
    const askedAtS = Math.floor(Date.now() / 1000)
    const { text } = await bringTo('KV', one, prompt, SHORT)
    const name = await newKvName(one, before)
    expect(name).toMatch(/^log\/2\/[\w-]{43}$/)
    const stored = await (await kv()).getWithMetadata(name, 'arrayBuffer')
    const bytes = Buffer.from(stored.value ?? new ArrayBuffer(0)).toString('latin1')
    expect(bytes.length).toBeGreaterThan(text.length)
    const known = [text, prompt, 'choices', 'finish_reason', 'story', 'eu-central', 'demo', KEYS.demo]
    expect(known.filter((secret) => bytes.includes(secret))).toEqual([])
    expect(stored.metadata).toBeNull()
    const { keys } = await (await kv()).list({ prefix: name })
    const lasts = (keys[0]?.expiration ?? 0) - askedAtS
    expect(lasts).toBeGreaterThan(3500)
    expect(lasts).toBeLessThan(3700)
  })
})

describe('a restricted tenant’s', () => {
  const BANK = { key: KEYS['eu-bank'] }

  test('is never in KV, and in no memory of another jurisdiction', async () => {
    const prompt = one.fresh()
    const before = await kvNames(one.mesh)
    const colos = ['FRA', 'FRA', 'AMS', 'IAD', 'SIN', 'IAD', 'SIN']
    expect(await wordsOf(prompt, colos, BANK.key)).toEqual(['miss', ...Array(6).fill('hit')])
    // An unrestricted one that is promoted after it shows that it would be there by now.
    await bringTo('KV', one, one.fresh(), SHORT)
    expect(await kvNames(one.mesh)).toHaveLength(before.length + 1)

    await emptyLogShards(one.mesh)
    expect(await wordsOf(prompt, ['FRA', 'AMS'], BANK.key)).toEqual(['hit', 'hit'])
    expect(await wordsOf(prompt, ['IAD'], BANK.key)).toEqual(['miss'])
  })
})

describe('a value in KV', () => {
  test.each([
    ['nothing', () => new Uint8Array(0)],
    ['noise', (value: Uint8Array) => value.map((byte, index) => (index % 7 === 0 ? byte ^ 0xff : byte))],
    ['its beginning', (value: Uint8Array) => value.slice(0, -40)],
    ['what can be read', () => new TextEncoder().encode('{"summary":{}}\n1{"choices":[]}\n')],
  ])('that is %s is a miss, and is told to the log', async (_name, spoil) => {
    const prompt = one.fresh()
    const before = await kvNames(one.mesh)
    const first = await bringTo('KV', one, prompt, SHORT)
    const name = await newKvName(one, before)
    const value = new Uint8Array((await (await kv()).get(name, 'arrayBuffer')) ?? new ArrayBuffer(0))
    await (await kv()).put(name, spoil(value))
    const errors = () =>
      one.mesh.logs.filter((line) => line.includes('storage_error') && line.includes('"kv"'))
    const known = errors().length
    const made = one.made()
    const answer = await one.ask(prompt, SHORT, { colo: 'SIN' })
    expect([answer.word, said(answer)]).toEqual(['miss', said(first)])
    expect(one.since(made).generations).toBe(1)
    await expect.poll(() => errors().length, WAIT).toBe(known + 1)
    expect(await wordsOf(prompt, ['SIN', 'FRA'])).toEqual(['hit', 'hit'])
  })

  test('that is another answer’s is a miss', async () => {
    const prompts = [one.fresh(), one.fresh()] as const
    const names: string[] = []
    for (const prompt of prompts) {
      const before = await kvNames(one.mesh)
      await bringTo('KV', one, prompt, SHORT)
      names.push(await newKvName(one, before))
    }
    const [name = '', other = ''] = names
    await (await kv()).put(name, (await (await kv()).get(other, 'arrayBuffer')) ?? '')
    const answer = await one.ask(prompts[0], SHORT, { colo: 'SIN' })
    expect([answer.word, said(answer)]).toEqual(['miss', said(await one.uninterrupted(prompts[0], SHORT))])
  })
})
