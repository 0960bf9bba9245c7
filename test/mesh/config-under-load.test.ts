/** Changes of the config, and a purge, while three data centres serve: what a call says has happened when it returns. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { chat, type ChatOptions } from '../support/chat.ts'
import { startStoredMesh, type StoredMesh } from '../support/stored-config.ts'

const COLOS = ['FRA', 'IAD', 'SIN']
const PER_SECOND = 50
/** Each has one request under way: a machine that cannot keep up is asked less. */
const CLIENTS = 12
/** Requests after a change. */
const ENOUGH = 30
const NAMES = ['x-mesh-config', 'x-mesh-pool', 'x-mesh-cache']
/** Seconds on a quiet machine. */
const PATIENT = { timeout: 120_000 }
const SHARED = { temperature: 0 }

interface Served {
  readonly sentAtMs: number
  readonly status: number
  readonly version: string | null
  readonly pool: string | null
  readonly word: string | null
}

let stored: StoredMesh

beforeAll(async () => {
  stored = await startStoredMesh({ colos: COLOS, engine: { interTokenLatencyMs: 1 } })
  for (const colo of COLOS) await (await chat(stored.mesh, colo, 'A first question')).text()
})
afterAll(() => stored.mesh.stop())

/** Requests round the data centres, 50 a second where the machine is quick enough, until some were sent after the change. */
async function during(
  change: () => Promise<unknown>,
  options: (n: number) => ChatOptions & { content: string },
) {
  const served: Served[] = []
  let sent = 0
  let returnedAtMs = Infinity

  async function ask(): Promise<void> {
    const sentAtMs = performance.now()
    const n = sent++
    const { content, ...more } = options(n)
    const response = await chat(stored.mesh, COLOS[n % COLOS.length] ?? '', content, more)
    await response.text()
    const { status, headers } = response
    const [version, pool, word] = NAMES.map((name) => headers.get(name))
    served.push({ sentAtMs, status, version: version ?? null, pool: pool ?? null, word: word ?? null })
  }
  const after = (): Served[] => served.filter(({ sentAtMs }) => sentAtMs > returnedAtMs)

  async function client(): Promise<void> {
    while (after().length < ENOUGH) {
      const slot = pause((CLIENTS * 1000) / PER_SECOND)
      await ask()
      await slot
    }
  }
  const clients = Array.from({ length: CLIENTS }, client)
  await pause(500)
  await change()
  const askedOf = new Map(
    Object.entries(stored.mesh.engines).map(([id, engine]) => [id, engine.stats().requests]),
  )
  returnedAtMs = performance.now()
  await Promise.all(clients)
  return { served, askedOf, after: after() }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

test(
  'a floor that is tightened: no request fails, each is of one version, and nothing laxer after the call',
  PATIENT,
  async () => {
    const lax = await stored.current()
    const [demo, ...others] = stored.deployed.tenants
    const tight = { tenants: [{ ...demo, floor: { jurisdictions: ['eu'] } }, ...others] }
    let put: Awaited<ReturnType<StoredMesh['put']>> | undefined
    const { served, after, askedOf } = await during(
      async () => (put = await stored.put(tight)),
      (n) => ({ content: `Tight ${n}`, ...(n % 2 === 0 ? { body: SHARED } : {}) }),
    )
    expect(put).toMatchObject({ status: 200, replaced: lax })
    expect(served.length).toBeGreaterThan(60)
    expect(new Set(served.map(({ status }) => status))).toEqual(new Set([200]))
    // Before the change the other regions were used, and each answer keeps to the version that it names.
    expect(served.some(({ pool }) => pool === 'us-east')).toBe(true)
    const ofNew = served.filter(({ version }) => version === put?.version)
    expect(new Set(ofNew.map(({ pool }) => pool))).toEqual(new Set(['eu-central']))
    expect(served.filter(({ version }) => version !== put?.version && version !== lax)).toEqual([])
    expect(new Set(after.map(({ version }) => version))).toEqual(new Set([put?.version]))
    // What counts is what the pools have seen.
    for (const id of ['us-east', 'ap-southeast']) {
      expect(stored.mesh.engines[id]?.stats().requests).toBe(askedOf.get(id))
    }

    const back = await during(
      () => stored.send('POST', '/rollback', { version: lax, expected: put?.version, accept_widening: true }),
      (n) => ({ content: `Back ${n}` }),
    )
    expect(new Set(back.served.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(back.after.map(({ version }) => version))).toEqual(new Set([lax]))
  },
)

test('a key that is taken out of the config opens nothing once the call has returned', PATIENT, async () => {
  const [demo, ...others] = stored.deployed.tenants
  const { served, after } = await during(
    () => stored.put({ tenants: [{ ...demo, keys: [] }, ...others] }),
    (n) => ({ content: `Revoked ${n}` }),
  )
  expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]))
  expect(served.filter(({ status }) => status !== 200 && status !== 401)).toEqual([])
  expect(await stored.put({})).toMatchObject({ status: 200 })
})

test('a purge: no request fails, and until it holds the cache is used', PATIENT, async () => {
  const body = { ...SHARED }
  const { served } = await during(
    () =>
      admin(stored.mesh, 'FRA', '/tenants/demo/purge', { method: 'POST' }).then((answer) => answer.text()),
    () => ({ content: 'Asked again and again', body }),
  )
  expect(new Set(served.map(({ status }) => status))).toEqual(new Set([200]))
  expect(served.some(({ word }) => word === 'hit')).toBe(true)
})
