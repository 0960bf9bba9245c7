/** Requests go to the pool that answers first, as measured from where they arrive. */
import { afterEach, expect, test } from 'vitest'
import { chat, poolOf } from '../support/chat.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh | undefined
afterEach(() => mesh?.stop())

const SHORT = { body: { max_tokens: 2 } }

async function ask(from: TestMesh, colo: string, times: number): Promise<string[]> {
  const pools: string[] = []
  for (let index = 0; index < times; index += 1) {
    pools.push(await poolOf(chat(from, colo, `Question ${index}`, SHORT)))
  }
  return pools
}

test('requests from each data centre go to the pool that is nearest to it', async () => {
  mesh = await startMesh()
  for (const [colo, pool] of [
    ['FRA', 'eu-central'],
    ['IAD', 'us-east'],
    ['SIN', 'ap-southeast'],
  ] as const) {
    const pools = await ask(mesh, colo, 12)
    expect(pools.slice(-6), colo).toEqual(Array(6).fill(pool))
  }
})
