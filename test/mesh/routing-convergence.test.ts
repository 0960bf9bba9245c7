/**
 * From nothing, every data centre finds the pool that answers it first within ten requests: also where that is not the
 * nearest one, where the config has the places of pools wrong, and where no isolate serves two requests.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { RttMatrix } from '../../tools/local/engine/options.ts'
import { askPool, askPools, atPool, routesOf, type Answered } from '../support/ask-pools.ts'
import type { ChatOptions } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type MeshOptions, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh | undefined
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

const PRIVATE: ChatOptions = { body: { max_tokens: 2 } }
/** Deterministic, so it is made by a log shard, which ranks the pools from its home. */
const SHARED: ChatOptions = { body: { max_tokens: 2, temperature: 0 } }
const ALL_DELAYS: MeshOptions = { delays: '{}' }

/** Round trips in ms: twice the real ones, so that no busy machine makes a far pool the nearer one. */
const ROUND_TRIPS: RttMatrix = {
  'eu-central': { 'eu-central': 2, 'us-east': 186, 'ap-southeast': 296 },
  'us-east': { 'us-east': 2, 'ap-southeast': 446 },
  'ap-southeast': { 'ap-southeast': 2 },
}

const WITHIN_REQUESTS = 10
/** Of those after, one may look elsewhere, as one in twenty does at the most, and be followed up. */
const JUDGED_REQUESTS = 8
const STRAYS = 2
const LONG_MS = 60_000

/** Which pool answers first, by data centre. */
type Firsts = readonly (readonly [colo: string, pool: string])[]

interface World {
  readonly firsts: Firsts
  readonly start: (options?: MeshOptions) => Promise<TestMesh>
}

const HONEST: World = {
  firsts: [
    ['FRA', 'eu-central'],
    ['AMS', 'eu-central'],
    ['IAD', 'us-east'],
    ['SIN', 'ap-southeast'],
  ],
  start: (options) => start(['FRA', 'AMS', 'IAD', 'SIN'], options),
}

/** What the pool in Frankfurt needs for anything is more than all the way to the one in Ashburn, or to Singapore. */
const SLOW_NEAR: World = {
  firsts: [
    ['FRA', 'us-east'],
    ['AMS', 'us-east'],
    ['IAD', 'us-east'],
    ['SIN', 'ap-southeast'],
  ],
  async start(options) {
    const started = await start(['FRA', 'AMS', 'IAD', 'SIN'], options)
    started.engines['eu-central']?.setFaults({ slow_factor: 50 })
    return started
  },
}

/**
 * Behind the name eu-central stands the engine in Singapore, and so on. IAD is left out: the engine beside it is listed as
 * the farthest, and a pool whose listed place keeps it from being the best is looked at once a minute.
 */
const LYING: World = {
  firsts: [
    ['FRA', 'us-east'],
    ['AMS', 'us-east'],
    ['SIN', 'eu-central'],
  ],
  start: (options) =>
    start(['FRA', 'AMS', 'SIN'], {
      ...options,
      config: ({ 'eu-central': frankfurt = '', 'us-east': ashburn = '', 'ap-southeast': singapore = '' }) =>
        aMeshConfig({ 'eu-central': singapore, 'us-east': frankfurt, 'ap-southeast': ashburn }),
    }),
}

const WORLDS: readonly (readonly [string, World])[] = [
  ['the nearest', HONEST],
  ['not the nearest', SLOW_NEAR],
  ['listed elsewhere', LYING],
]

describe.each([
  ['private', PRIVATE, {}],
  ['shared', SHARED, ALL_DELAYS],
] as const)('%s requests from nothing', (_path, asking, options) => {
  test.each(WORLDS)(
    'are at the pool that answers first after ten, where that is %s',
    async (_what, world) => {
      const started = (mesh = await world.start(options))
      await Promise.all(
        world.firsts.map(async ([colo, pool]) => {
          const answers = await askPools(started, colo, WITHIN_REQUESTS + JUDGED_REQUESTS, asking)
          expectAt(pool, answers, colo)
        }),
      )
    },
    LONG_MS,
  )
})

const PAUSE_MS = 200
/** An isolate tells what it has seen at most 2.4 s after the request before; a second more for two busy cores. */
const FIRST_TOLD_MS = 2_400 + 1_000

describe('where every request meets an isolate that knows nothing', () => {
  // Where it is the nearest, an isolate that knows nothing is right.
  test.each(WORLDS.slice(1))(
    'ten requests after the first could be told, all are at the pool that answers first, where that is %s',
    async (_what, world) => {
      const started = (mesh = await world.start({ ...ALL_DELAYS, freshIsolates: true }))
      await Promise.all(
        world.firsts.map(async ([colo, pool]) => {
          const toldAtMs = performance.now() + FIRST_TOLD_MS
          // Those that come before anybody can know anything are not counted: no code could send them better.
          while (performance.now() < toldAtMs) await askInTime(started, colo)
          const answers = await askPools(started, colo, WITHIN_REQUESTS + JUDGED_REQUESTS, PRIVATE)
          expectAt(pool, answers, colo)
        }),
      )
    },
    LONG_MS,
  )
})

function start(colos: readonly string[], options: MeshOptions = {}): Promise<TestMesh> {
  return startMesh({ colos, engine: { prefillOverheadMs: 10, rttMatrix: ROUND_TRIPS }, ...options })
}

/** About five a second, one after another. */
async function askInTime(started: TestMesh, colo: string): Promise<void> {
  await Promise.all([askPool(started, colo, PRIVATE), wait(PAUSE_MS)])
}

function expectAt(pool: string, answers: readonly Answered[], colo: string): void {
  const judged = answers.slice(WITHIN_REQUESTS)
  expect(atPool(judged, pool), routesOf(colo, answers)).toBeGreaterThanOrEqual(JUDGED_REQUESTS - STRAYS)
}
