/** What pools say of themselves, and what one data centre has measured, is known to the others within seconds. */
import { afterEach, expect, test } from 'vitest'
import { admin } from '../support/admin.ts'
import { askPool, askPools, atPool, routesOf } from '../support/ask-pools.ts'
import { chat, type ChatOptions } from '../support/chat.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

/** An exchange, a tick and another exchange, on a busy machine. */
const WAIT = { timeout: 15_000, interval: 100 }
const SHORT: ChatOptions = { body: { max_tokens: 2 } }
/** At a second a token they run for as long as the test; the tenant's floor leaves them one pool. */
const LONG: ChatOptions = { tenant: 'eu-bank', body: { max_tokens: 600, stream: true, ignore_eos: true } }

interface SeenPool {
  readonly id: string
  readonly pending: number
  readonly first_token_ms: number | null
  readonly region: {
    readonly in_flight: number
    readonly first_token_ms: number | null
    readonly load: { readonly running?: number; readonly waiting?: number; readonly age_ms: number } | null
  } | null
}

/** As a data centre sees a pool. */
async function seen(colo: string, pool: string): Promise<SeenPool | undefined> {
  if (mesh === undefined) throw new Error('no mesh')
  const { pools } = (await (await admin(mesh, colo, '/pools')).json()) as { pools: readonly SeenPool[] }
  return pools.find(({ id }) => id === pool)
}

test('what runs at a pool is known in every region that has requests, whoever has sent it there', async () => {
  const started = (mesh = await startMesh({ colos: ['FRA', 'IAD'], engine: { interTokenLatencyMs: 1000 } }))
  const url = started.engines['eu-central']?.url ?? ''
  const leaving = new AbortController()
  const { signal } = leaving
  const streams = await Promise.all(
    ['One', 'Another', 'A third'].map((tale) => chat(started, 'FRA', `${tale} tale`, { ...LONG, signal })),
  )
  expect(streams.map(({ headers }) => headers.get('x-mesh-pool'))).toEqual(Array(3).fill('eu-central'))
  // Of these two the mesh can only know from the engine itself.
  const own = ['One', 'Another'].map((tale) => generateAt(url, `${tale} tale`, signal))
  await expect.poll(() => runningBy(url), WAIT).toBe(5)
  await askPool(started, 'IAD', SHORT)

  for (const colo of ['FRA', 'IAD']) {
    await expect
      .poll(async () => (await seen(colo, 'eu-central'))?.region, WAIT)
      .toMatchObject({ in_flight: 3, load: { running: 5, waiting: 0 } })
  }
  expect([(await seen('FRA', 'eu-central'))?.pending, (await seen('IAD', 'eu-central'))?.pending]).toEqual([
    3, 0,
  ])
  leaving.abort()
  await Promise.all(own)
  await expect
    .poll(async () => (await seen('FRA', 'eu-central'))?.region, WAIT)
    .toMatchObject({ in_flight: 0, load: { running: 0 } })
})

test('what one data centre of a region has measured another one knows after its first exchange', async () => {
  mesh = await startMesh({ colos: ['FRA', 'AMS'], engine: { prefillOverheadMs: 10 } })
  // Whoever has not measured them would try both of these before the one that is farthest.
  for (const slow of ['eu-central', 'us-east']) mesh.engines[slow]?.setFaults({ slow_factor: 80 })
  const found = await askPools(mesh, 'FRA', 8, SHORT)
  expect(found.at(-1)?.pool, routesOf('FRA', found)).toBe('ap-southeast')
  await expect
    .poll(async () => (await seen('FRA', 'ap-southeast'))?.region?.first_token_ms, WAIT)
    .toEqual(expect.any(Number))

  // The first request of a data centre finds nothing to go by there; behind it, the exchange takes place.
  expect(await askPool(mesh, 'AMS', SHORT)).toMatchObject({ pool: 'eu-central', route: /^expected/ })
  await expect
    .poll(async () => (await seen('AMS', 'ap-southeast'))?.first_token_ms, WAIT)
    .toEqual(expect.any(Number))
  const knowing = await askPools(mesh, 'AMS', 4, SHORT)
  expect(atPool(knowing, 'us-east'), routesOf('AMS', knowing)).toBe(0)
  expect(atPool(knowing, 'ap-southeast'), routesOf('AMS', knowing)).toBeGreaterThanOrEqual(3)
})

/** Around the mesh; resolves when it is over, or left. */
async function generateAt(url: string, prompt: string, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify({ model: 'story-8b', prompt, max_tokens: 600, ignore_eos: true })
  const headers = { 'content-type': 'application/json' }
  await fetch(`${url}/v1/completions`, { method: 'POST', headers, body, signal }).catch(() => undefined)
}

async function runningBy(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^vllm:num_requests_running\{[^}]*\} (\d+)/m.exec(text)?.[1])
}
