/** Requests go to the pool that answers first, as measured from where they arrive. */
import { afterEach, expect, test } from 'vitest'
import { chat, poolOf, type ChatOptions } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

const SHORT: ChatOptions = { body: { max_tokens: 2 } }
/** Deterministic, so it is made by a log shard, which ranks the pools from its home. */
const SHARED: ChatOptions = { body: { max_tokens: 2, temperature: 0 } }

const NEAREST = [
  ['FRA', 'eu-central'],
  ['IAD', 'us-east'],
  ['SIN', 'ap-southeast'],
] as const

async function ask(colo: string, times: number, options: ChatOptions): Promise<string[]> {
  if (mesh === undefined) throw new Error('no mesh')
  const pools: string[] = []
  for (let index = 0; index < times; index += 1) {
    pools.push(await poolOf(chat(mesh, colo, `Question ${index} from ${colo}`, options)))
  }
  return pools
}

/** One look around in a hundred requests is allowed; that more than one falls into six is not to be seen. */
function mostlyAt(pools: readonly string[], pool: string): boolean {
  return pools.filter((other) => other === pool).length >= pools.length - 1
}

test.each([
  ['private', SHORT],
  ['shared', SHARED],
])('%s requests from each data centre go to the pool that is nearest to it', async (_path, options) => {
  mesh = await startMesh()
  for (const [colo, pool] of NEAREST) {
    const pools = await ask(colo, 12, options)
    expect(mostlyAt(pools.slice(-6), pool), `${colo}: ${pools.join(' ')}`).toBe(true)
  }
})

test('measurement decides, not names: a pool that only says it is near is left', async () => {
  // The config claims that each pool stands where another one does; the network knows better.
  const elsewhere = { 'eu-central': 'ap-southeast', 'us-east': 'eu-central', 'ap-southeast': 'us-east' }
  mesh = await startMesh({
    config: (urls) =>
      aMeshConfig(
        Object.fromEntries(Object.entries(elsewhere).map(([id, engine]) => [id, urls[engine] ?? ''])),
      ),
  })
  // Behind the name us-east stands the engine in Frankfurt.
  const pools = await ask('FRA', 30, SHORT)
  expect(mostlyAt(pools.slice(-8), 'us-east'), pools.join(' ')).toBe(true)
})

test('traffic leaves a pool that has become ten times slower within twenty requests', async () => {
  // Ten times this is far more than any distance here, and than what a busy machine adds.
  mesh = await startMesh({ engine: { prefillOverheadMs: 80 } })
  await ask('FRA', 8, SHORT)
  mesh.engines['eu-central']?.setFaults({ slow_factor: 10 })
  const slowed = await ask('FRA', 20, SHORT)
  const stayed = slowed.slice(-8).filter((pool) => pool === 'eu-central')
  expect(stayed.length, slowed.join(' ')).toBeLessThanOrEqual(1)
})

test('a pool that is down is left at once, without a client noticing', async () => {
  mesh = await startMesh()
  await ask('FRA', 4, SHORT)
  mesh.engines['eu-central']?.setFaults({ down: true })
  const pools = await ask('FRA', 10, SHORT)
  expect(pools).not.toContain('eu-central')
  expect(pools.every((pool) => pool === 'us-east' || pool === 'ap-southeast')).toBe(true)
})

test('every answer says which pool was chosen, and why', async () => {
  mesh = await startMesh()
  const response = await chat(mesh, 'FRA', 'Why here?', SHORT)
  await response.text()
  // One request in a hundred looks elsewhere; it, too, says so.
  const pool = response.headers.get('x-mesh-pool') ?? ''
  const others = ['eu-central', 'us-east', 'ap-southeast'].filter((other) => other !== pool)
  expect(response.headers.get('x-mesh-route')).toMatch(/^(expected|measured) \d+ms; /)
  for (const other of others) expect(response.headers.get('x-mesh-route')).toContain(other)
  expect(response.headers.get('x-mesh-attempts')).toBe('1')
  expect(response.headers.get('x-mesh-region')).toBe(pool)
})
