/** Brings an answer to where it is to be found next: its shard, an isolate's memory, or KV. */
import { expect } from 'vitest'
import { SHARDS_PER_HOME, kvNames } from './objects.ts'
import { startOneEngine, type Asking, type OneEngineMesh, type OneEngineOptions } from './one-engine.ts'

export type Tier = 'the shard' | 'memory' | 'KV'

export const TIERS: readonly Tier[] = ['the shard', 'memory', 'KV']
/** The data centre that finds it there. */
export const COLO_OF: Readonly<Record<Tier, string>> = { 'the shard': 'FRA', memory: 'FRA', KV: 'SIN' }

const WAIT = { timeout: 20_000, interval: 20 }

/** Two data centres of one region, and two of others. So slow to begin that whoever has to generate is the last to answer. */
export function startTiers(options: OneEngineOptions = {}): Promise<OneEngineMesh> {
  return startOneEngine({
    colos: ['FRA', 'AMS', 'IAD', 'SIN'],
    engine: { prefillOverheadMs: 300, interTokenLatencyMs: 1 },
    ...options,
    changes: { log: { open_within_ms: 10_000, shards_per_home: SHARDS_PER_HOME }, ...options.changes },
  })
}

/** Asks until the answer is where it is wanted. Gives the first answer. */
export async function bringTo(tier: Tier, one: OneEngineMesh, prompt: string, body: object, asking?: Asking) {
  const known = tier === 'KV' ? await kvNames(one.mesh) : []
  const first = await one.ask(prompt, body, { ...asking, colo: 'FRA' })
  if (tier === 'the shard') return first
  // This isolate keeps what it reads from the shard, so that the shard's second reader is another one.
  expect((await one.ask(prompt, body, { ...asking, colo: 'FRA' })).word).toBe('hit')
  if (tier === 'memory') return first
  expect((await one.ask(prompt, body, { ...asking, colo: 'AMS' })).word).toBe('hit')
  await expect.poll(async () => (await kvNames(one.mesh)).length, WAIT).toBe(known.length + 1)
  return first
}

/** The one name that is in KV now and was not before. */
export async function newKvName(one: OneEngineMesh, before: readonly string[]): Promise<string> {
  const names = (await kvNames(one.mesh)).filter((name) => !before.includes(name))
  expect(names).toHaveLength(1)
  return names[0] ?? ''
}
