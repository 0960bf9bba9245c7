/** A pool that an operator has taken out gets nothing new, in no data centre, and what runs there runs to its end. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin, drain, isKnownDrained } from '../support/admin.ts'
import { readAnswer } from '../support/answer.ts'
import { chat, type ChatOptions } from '../support/chat.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { restartObjects } from '../support/restart.ts'

const COLOS = ['FRA', 'AMS', 'IAD', 'SIN'] as const
const OUT = 'us-east'
const ONLY_OUT: ChatOptions = { body: { max_tokens: 2 }, headers: { 'x-mesh-residency': OUT } }
const SHARED = { max_tokens: 2, temperature: 0 }
const BANK: ChatOptions = { tenant: 'eu-bank', body: { max_tokens: 2 } }
const TOKENS = 1200

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  // An answer of so many tokens takes 18 s, longer than any drain takes to hold.
  mesh = await startMesh({ colos: COLOS, distances: false, engine: { interTokenLatencyMs: 15 } })
})
afterAll(() => mesh.stop())

async function statusOf(colo: string, options: ChatOptions): Promise<number> {
  unique += 1
  const response = await chat(mesh, colo, `Question ${unique}`, options)
  await response.text()
  return response.status
}

/** Of a request from every data centre, made by its edge, and of one that a log makes. */
const statuses = (options: ChatOptions): Promise<number[]> =>
  Promise.all(
    [options, { ...options, body: SHARED }].flatMap((each) => COLOS.map((colo) => statusOf(colo, each))),
  )

const requestsAt = (pool: string): number => mesh.engines[pool]?.stats().requests ?? Number.NaN
const ALL = (status: number): number[] => [...COLOS, ...COLOS].map(() => status)
const within = (timeout: number) => ({ timeout, interval: 200 })

test('within the time that is said nothing new goes there, and what runs there ends whole', async () => {
  // One isolate has been there before; the others have never been asked for anything.
  expect(await statusOf('FRA', ONLY_OUT)).toBe(200)
  const running = await chat(mesh, 'IAD', 'Tell me a long story.', {
    ...ONLY_OUT,
    body: { max_tokens: TOKENS, ignore_eos: true, stream: true, stream_options: { include_usage: true } },
  })
  expect([running.status, running.headers.get('x-mesh-pool')]).toEqual([200, OUT])

  const holdsWithinMs = await drain(mesh, 'SIN', OUT, true)
  const since = performance.now()
  /** Requests that went there of a round of all kinds, none of which had to. */
  const strays = async (): Promise<number> => {
    const before = requestsAt(OUT)
    expect(await statuses({ body: { max_tokens: 2 } })).toEqual(ALL(200))
    return requestsAt(OUT) - before
  }
  const isHeld = async () => [await statuses(ONLY_OUT), await strays(), await strays()]
  await expect.poll(isHeld, within(holdsWithinMs)).toEqual([ALL(503), 0, 0])
  expect(performance.now() - since).toBeLessThan(holdsWithinMs)
  expect(mesh.engines[OUT]?.stats().running).toBe(1)

  for (let round = 0; round < 3; round += 1) expect(await isHeld()).toEqual([ALL(503), 0, 0])
  expect(await readAnswer(running)).toMatchObject({
    finish: 'length',
    error: undefined,
    usage: { completion_tokens: TOKENS },
  })
})

test('it holds when all objects have been started anew, from the first moment on', async () => {
  await restartObjects(mesh)
  const before = requestsAt(OUT)
  const isHeardAgain = async () => {
    expect(await statuses(ONLY_OUT)).toEqual(ALL(503))
    return Promise.all(COLOS.map((colo) => isKnownDrained(mesh, colo, OUT)))
  }
  await expect.poll(isHeardAgain, within(15_000)).toEqual([true, true, true, true])
  expect(requestsAt(OUT)).toBe(before)
})

test('it is back when the operator puts it back', async () => {
  const holdsWithinMs = await drain(mesh, 'FRA', OUT, false)
  await expect.poll(() => statuses(ONLY_OUT), within(holdsWithinMs)).toEqual(ALL(200))
})

test('a tenant who may use no other pool is refused, and served by none that it may not use', async () => {
  const outside = () => requestsAt('us-east') + requestsAt('ap-southeast')
  expect(await statuses(BANK)).toEqual(ALL(200))
  const holdsWithinMs = await drain(mesh, 'IAD', 'eu-central', true)
  await expect.poll(() => statuses(BANK), within(holdsWithinMs)).toEqual(ALL(503))
  const before = outside()
  for (const body of [{ max_tokens: 2 }, SHARED, { ...SHARED, stream: true }]) {
    for (const colo of COLOS) {
      unique += 1
      const refused = await readAnswer(await chat(mesh, colo, `Question ${unique}`, { ...BANK, body }))
      expect([refused.status, refused.error]).toEqual([503, 'no_eligible_pool'])
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    }
  }
  expect(outside()).toBe(before)
  await drain(mesh, 'IAD', 'eu-central', false)
  await expect.poll(() => statuses(BANK), within(holdsWithinMs)).toEqual(ALL(200))
})

test.each(['POST', 'DELETE'])(
  '%s for a pool that is not there is 404, and 401 without the token',
  async (method) => {
    const unknown = await admin(mesh, 'FRA', '/pools/mars/drain', { method })
    expect([unknown.status, (await readAnswer(unknown)).error]).toEqual([404, 'not_found'])
    for (const token of ['', 'x'.repeat(32)]) {
      const refused = await admin(mesh, 'FRA', `/pools/${OUT}/drain`, { method, token })
      expect([refused.status, (await readAnswer(refused)).error]).toEqual([401, 'admin_unauthorized'])
    }
  },
)
