import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { checkSize } from './model/checks.ts'
import { lives, take, withoutFaults } from './model/steps.ts'
import type { Life } from './model/steps.ts'
import { createWorld, extend, produce, readAll } from './model/world.ts'
import type { World } from './model/world.ts'

const RUNS = 2500
const RUNS_WITHOUT_FAULTS = 500
/** They take four seconds, on a machine that does nothing else. */
const TIMEOUT_MS = 60_000
/** More often than this nobody's answer has to be continued. */
const MAX_EXTENSIONS = 12

const happened = new Map<string, number>()

test(
  `gives every reader its own answer and nothing else, whatever happens (${RUNS} random lives)`,
  () => {
    fc.assert(
      fc.property(lives, (life) => {
        const world = live(life)
        for (const [what, times] of world.happened) happened.set(what, (happened.get(what) ?? 0) + times)
      }),
      { numRuns: RUNS },
    )
  },
  TIMEOUT_MS,
)

test(
  `gives every reader the whole of it where nothing goes wrong (${RUNS_WITHOUT_FAULTS} random lives)`,
  () => {
    fc.assert(
      fc.property(lives.map(withoutFaults), (life) => {
        const { readers } = live(life)
        expect(readers.map(({ end }) => end)).toEqual(readers.map(() => 'whole'))
      }),
      { numRuns: RUNS_WITHOUT_FAULTS },
    )
  },
  TIMEOUT_MS,
)

function live({ steps, lastStyle, ...about }: Life): World {
  const world = createWorld(about)
  for (const step of steps) {
    take(world, step)
    checkSize(world)
  }
  // From here on nothing more goes wrong, and everybody comes to an end.
  for (let round = 0; round < MAX_EXTENSIONS; round += 1) {
    produce(world, Infinity)
    for (const reader of world.readers) readAll(world, reader)
    extend(world, lastStyle)
  }
  for (const { end } of world.readers) expect(end).toBeDefined()
  return world
}

afterAll(() => {
  // A model in which something never happens says nothing about it.
  for (const what of [
    'joined: hit',
    'joined: coalesced',
    'joined: extended',
    'joined: miss',
    'read: whole',
    'read: more',
    'read: wait',
    'read: broken',
    'read: short',
    'read: overshot',
    'read: gone',
    'extended',
  ]) {
    expect(happened.get(what) ?? 0, what).toBeGreaterThan(RUNS / 100)
  }
})
