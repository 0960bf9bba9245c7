/** What a distrusted pool, model or version made in a time is served from nowhere any more, from the moment on that the config says so. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askFor } from '../support/answer.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { inLogShards, kvNames, SHARDS_PER_HOME } from '../support/objects.ts'

const SHORT = { temperature: 0, max_tokens: 6 }
const COLOS = ['FRA', 'AMS', 'IAD', 'EWR', 'SIN'] as const
const LONG_MS = 120_000
const WAIT = { timeout: 20_000, interval: 50 }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({ colos: COLOS, config: configWith([]) })
})
afterAll(() => mesh.stop())

function configWith(distrust: readonly object[]) {
  const log = { open_within_ms: 10_000, shards_per_home: SHARDS_PER_HOME }
  return (urls: Readonly<Record<string, string>>) => aMeshConfig(urls, { distrust, log })
}

async function wordAndPool(colo: string, prompt: string): Promise<readonly [string | null, string | null]> {
  const { word, headers } = await askFor(mesh, colo, prompt, { body: SHORT })
  return [word, headers.get('x-mesh-pool')]
}

async function words(prompt: string, ...colos: readonly string[]): Promise<unknown[]> {
  const all: unknown[] = []
  for (const colo of colos) all.push((await wordAndPool(colo, prompt))[0])
  return all
}

/** Has a prompt answered in one region until that is in KV. Gives the pool that made it. */
async function promoted(prompt: string, colo: string, neighbour: string): Promise<string> {
  const names = await kvNames(mesh)
  const [, pool] = await wordAndPool(colo, prompt)
  expect(await words(prompt, colo, neighbour)).toEqual(['hit', 'hit'])
  await expect.poll(async () => (await kvNames(mesh)).length, WAIT).toBe(names.length + 1)
  return pool ?? ''
}

/** A prompt whose answer this pool made; now and then another one is tried first. */
async function promptOf(pool: string, colo: string, neighbour: string): Promise<string> {
  for (let number = 0; number < 5; number += 1) {
    const prompt = `A question ${number} for ${pool}`
    if ((await promoted(prompt, colo, neighbour)) === pool) return prompt
  }
  throw new Error('the pool that is nearest was never asked')
}

test(
  'an entry takes back what it names, from wherever it is kept, and only that',
  async () => {
    const from = new Date().toISOString()
    const ofFrankfurt = await promptOf('eu-central', 'FRA', 'AMS')
    const ofVirginia = await promptOf('us-east', 'IAD', 'EWR')
    const isStored = async () => (await inLogShards(mesh, 'SELECT take FROM take')).length >= 2
    await expect.poll(isStored, WAIT).toBe(true)
    const to = new Date().toISOString()

    // What it does not name is still there, in the shard as in KV.
    await mesh.restart(configWith([{ pool: 'eu-central', from, to }]))
    expect(await words(ofVirginia, 'IAD', 'IAD', 'SIN')).toEqual(['hit', 'hit', 'hit'])
    expect(await words(ofFrankfurt, 'SIN')).toEqual(['miss'])
    expect(await words(ofFrankfurt, 'FRA')).toEqual(['miss'])
    // What is made since then is trusted.
    expect(await words(ofFrankfurt, 'FRA', 'SIN', 'FRA', 'SIN')).toEqual(['hit', 'hit', 'hit', 'hit'])

    await mesh.restart(configWith([{ model: 'story', version: '1', from, to }]))
    expect(await words(ofVirginia, 'IAD', 'SIN')).toEqual(['miss', 'miss'])
    expect(await words(ofFrankfurt, 'FRA', 'SIN')).toEqual(['hit', 'hit'])

    await mesh.restart(
      configWith([
        { model: 'story', version: '1', from: '2020-01-01T00:00:00Z', to: from },
        { pool: 'ap-southeast', from, to },
      ]),
    )
    expect(await words(ofVirginia, 'IAD', 'SIN')).toEqual(['hit', 'hit'])
    expect(await words(ofFrankfurt, 'FRA', 'SIN')).toEqual(['hit', 'hit'])

    // Without an end, nothing that is made from then on is replayed, not even just afterwards.
    await mesh.restart(configWith([{ model: 'story', from }]))
    expect(await words(ofFrankfurt, 'FRA', 'FRA', 'AMS', 'SIN')).toEqual(['miss', 'miss', 'miss', 'miss'])
  },
  LONG_MS,
)
