/** A request under which two pools died is refused for a while, so that it cannot walk through all of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readAnswer } from '../support/answer.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const STORY = { temperature: 0, max_tokens: 30, ignore_eos: true }
const STREAM = { stream: true }
const QUARANTINE_MS = 4000
const WAIT = { timeout: 30_000, interval: 100 }
/** The same question, made by the isolate itself and by a shard. */
const PATHS = [
  ['private', 'off'],
  ['shared', 'on'],
] as const
const FORMS = [
  ['a stream', STREAM],
  ['one JSON', {}],
] as const
const ROWS = PATHS.flatMap(([path, cache]) => FORMS.map(([form, body]) => [form, path, cache, body] as const))

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) => aMeshConfig(urls, { limits: { quarantine_ms: QUARANTINE_MS } }),
  })
  for (const cache of ['on', 'off']) await ask('Warm up', cache, { max_tokens: 1 })
})
afterAll(() => mesh.stop())
beforeEach(() => {
  for (const engine of engines()) engine.clearFaults()
})

function engines() {
  return Object.values(mesh.engines)
}

function killAll(afterTokens: number): void {
  for (const engine of engines()) engine.setFaults({ die_after_tokens: afterTokens })
}

/** Generations that each pool was asked for. */
function asked(): number[] {
  return engines().map((engine) => engine.stats().requests)
}

/** How often each pool was asked since then, the fewest times first. */
function askedSince(before: readonly number[]): number[] {
  return asked()
    .map((count, index) => count - (before[index] ?? 0))
    .toSorted((a, b) => a - b)
}

function fresh(): string {
  unique += 1
  return `Poisonous question ${unique}`
}

async function ask(prompt: string, cache: string, body: object) {
  const response = await chat(mesh, 'FRA', prompt, {
    body: { ...STORY, ...body },
    headers: { 'x-mesh-cache': cache },
  })
  return readAnswer(response)
}

/** Until it is served again: pools that died under it have to be trusted again, too. */
async function expectServedAgain(prompt: string, cache: string, body: object): Promise<void> {
  for (const engine of engines()) engine.clearFaults()
  await expect.poll(async () => (await ask(prompt, cache, body)).status, WAIT).toBe(200)
}

describe.each(ROWS)('%s on the %s path', (_form, _path, cache, body) => {
  test('that killed two is refused at once; the third pool never sees it, and other requests are served', async () => {
    const prompt = fresh()
    killAll(5)
    const before = asked()
    const killer = await ask(prompt, cache, body)
    expect(killer.error).toBe('stream_truncated')
    expect(askedSince(before)).toEqual([0, 1, 1])

    for (const engine of engines()) engine.clearFaults()
    const then = asked()
    for (const form of [STREAM, {}]) {
      const refused = await ask(prompt, cache, form)
      expect([refused.status, refused.error]).toEqual([422, 'request_quarantined'])
      expect(refused.headers.get('x-should-retry')).toBe('false')
    }
    expect(asked()).toEqual(then)
    const other = await ask(fresh(), cache, body)
    expect([other.status, other.error, other.finish]).toEqual([200, undefined, 'length'])
    await expectServedAgain(prompt, cache, body)
  })

  test('that kills two before their first token is refused itself', async () => {
    const prompt = fresh()
    killAll(0)
    const before = asked()
    const killer = await ask(prompt, cache, body)
    expect([killer.status, killer.error]).toEqual([422, 'request_quarantined'])
    expect(askedSince(before)).toEqual([0, 1, 1])
    const then = asked()
    expect((await ask(prompt, cache, body)).error).toBe('request_quarantined')
    expect(asked()).toEqual(then)
    await expectServedAgain(prompt, cache, body)
  })
})

test('one that is answered already is answered still, and only what would need a pool is refused', async () => {
  const prompt = fresh()
  await ask(prompt, 'on', { max_tokens: 10 })
  killAll(5)
  expect((await ask(prompt, 'on', {})).error).toBe('stream_truncated')
  for (const engine of engines()) engine.clearFaults()
  expect((await ask(prompt, 'on', {})).error).toBe('request_quarantined')
  expect((await ask(prompt, 'on', { max_tokens: 10 })).word).toBe('hit')
  await expectServedAgain(prompt, 'on', {})
  const whole = await ask(prompt, 'on', {})
  expect(whole.text).toBe((await ask(prompt, 'off', {})).text)
})

test('a pool that only refuses has not died of the request', async () => {
  const prompt = fresh()
  for (const engine of engines()) engine.setFaults({ status: 500 })
  for (const cache of ['on', 'off']) {
    for (let time = 0; time < 2; time += 1)
      expect((await ask(prompt, cache, {})).error).toBe('no_eligible_pool')
  }
  await expectServedAgain(prompt, 'on', {})
})
