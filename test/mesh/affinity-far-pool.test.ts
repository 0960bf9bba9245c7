/** A prompt goes to a far pool when its beginning is cached there and that is worth the way, and belief follows what pools say. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { explain } from '../support/admin.ts'
import type { ChatOptions } from '../support/chat.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { about, aText, tellOf, type Message, type Told } from '../support/prompts.ts'

const NEAR = 'eu-central'
const FAR = 'ap-southeast'
const LONG = 16_000
const SHORT = 200
const OTHER_KEY = 'sk-mesh-other-0123456789abcdefghijABCDEFGHIJ'
const WAIT = { timeout: 20_000, interval: 100 }

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA'],
    // Of 16,000 tokens 1.6 s, which is far more than any way there and back.
    engine: { prefillOverheadMs: 5, prefillTimePerTokenMs: 0.1 },
    config: (urls) =>
      aMeshConfig(urls, {
        pools: [NEAR, FAR].map((id) => ({
          id,
          region: id,
          dialect: 'vllm',
          url: `${urls[id]}/v1`,
          models: [{ model: 'story', served: 'story-8b' }],
        })),
        tenants: [
          { id: 'demo', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(KEYS.demo) }] },
          { id: 'other', floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(OTHER_KEY) }] },
        ],
      }),
  })
})
afterAll(() => mesh.stop())

const ask = (messages: readonly Message[], options?: ChatOptions): Promise<Told> =>
  tellOf(mesh, 'FRA', messages, options)

function aShortPrompt(): readonly Message[] {
  unique += 1
  return about(aText(`short ${unique}`, SHORT), 'And then?')
}

/** Has the far pool compute documents, while the near one is down. */
async function warmFarAway(...documents: readonly string[]): Promise<void> {
  mesh.engines[NEAR]?.setFaults({ down: true })
  await expect.poll(async () => (await ask(aShortPrompt())).pool, WAIT).toBe(FAR)
  for (const document of documents) {
    expect(await ask(about(document, 'Who is it?'))).toMatchObject({ status: 200, pool: FAR })
  }
  mesh.engines[NEAR]?.clearFaults()
  await expect.poll(async () => (await ask(aShortPrompt())).pool, WAIT).toBe(NEAR)
}

/** Prompt tokens that each pool is believed to have. */
async function believed(messages: readonly Message[], tenant = 'demo'): Promise<Record<string, number>> {
  const explained = await explain(mesh, {
    query: { tenant, colo: 'FRA' },
    body: { model: 'story', messages, max_tokens: 2 },
  })
  return Object.fromEntries(explained.candidates.map(({ pool, warm_tokens: tokens }) => [pool, tokens]))
}

test('a long prompt goes to the far pool that has it cached, short ones stay near', async () => {
  const document = aText('the long one', LONG)
  await warmFarAway(document)
  const again = await ask(about(document, 'What became of it?'))
  expect(again.pool).toBe(FAR)
  expect(again.promptTokens).toBeGreaterThan(LONG)
  expect(again.cachedTokens).toBeGreaterThan(0.99 * LONG)
  const short: (string | null)[] = []
  for (let index = 0; index < 6; index += 1) short.push((await ask(aShortPrompt())).pool)
  // One of them may look around.
  expect(short.filter((pool) => pool === NEAR).length, short.join(' ')).toBeGreaterThanOrEqual(5)
})

test('a short prompt stays near although a far pool has it cached', async () => {
  const document = aText('a short one', SHORT)
  await warmFarAway(document)
  const pools: (string | null)[] = []
  for (let index = 0; index < 4; index += 1) {
    pools.push((await ask(about(document, `What was the ${index}th of it?`))).pool)
  }
  expect(pools.filter((pool) => pool === NEAR).length, pools.join(' ')).toBeGreaterThanOrEqual(3)
})

test('the same tokens of another tenant are neither believed to be cached, nor are they', async () => {
  const document = aText('a secret', LONG)
  await warmFarAway(document)
  const question = about(document, 'Who else has it?')
  expect((await believed(question))[FAR]).toBeGreaterThan(0.9 * LONG)
  expect(await believed(question, 'other')).toEqual({ [NEAR]: 0, [FAR]: 0 })
  const others = await ask(question, { headers: { authorization: `Bearer ${OTHER_KEY}` } })
  expect(others).toMatchObject({ status: 200, cachedTokens: 0 })
  const own = await ask(question)
  expect(own.pool).toBe(FAR)
  expect(own.cachedTokens).toBeGreaterThan(0.99 * LONG)
})

test('one answer that says that the cache is lost corrects what is believed of all that was there', async () => {
  const [earlier, later] = [aText('the earlier one', LONG), aText('the later one', LONG)]
  await warmFarAway(earlier, later)
  const isBelieved = async (document: string) =>
    ((await believed(about(document, 'Is it there?')))[FAR] ?? 0) > 0.9 * LONG
  expect([await isBelieved(earlier), await isBelieved(later)]).toEqual([true, true])

  await fetch(`${mesh.engines[FAR]?.url}/admin/cache/clear`, { method: 'POST' })
  expect(await ask(about(later, 'What is left of it?'))).toMatchObject({ pool: FAR, cachedTokens: 0 })

  // What that request has had computed anew is there again; of what was there before, nothing is.
  expect([await isBelieved(earlier), await isBelieved(later)]).toEqual([false, true])
  expect(await ask(about(earlier, 'What is left of it?'))).toMatchObject({ pool: NEAR, cachedTokens: 0 })
  expect((await ask(about(later, 'And now?'))).pool).toBe(FAR)
})
