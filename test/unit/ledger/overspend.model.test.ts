/** Whatever is lost between isolates and their ledger: never more is spent than the stated bound, and every cost counts once. */
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { aWorld, begin, end, flush, lose, outstanding, type World } from './model/world.ts'

const ISOLATES = 3

const who = fc.nat(ISOLATES - 1)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('begin' as const),
      who,
      need: fc.integer({ min: 1, max: 40 }),
      share: fc.double({ min: 0, max: 1.3, noNaN: true }),
      isLost: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('end' as const), who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('flush' as const),
      who,
      fate: fc.constantFrom(
        'arrives' as const,
        'arrives' as const,
        'unacknowledged' as const,
        'lost' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 6000 }) }),
  },
)
const steps = fc.array(step, { minLength: 1, maxLength: 200 })
const budget = fc.integer({ min: 0, max: 2000 })

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function run(world: World, what: Step): void {
  if (what.do === 'wait') {
    world.nowMs += what.ms
    return
  }
  const isolate = world.isolates[what.who]
  if (isolate === undefined) return
  switch (what.do) {
    case 'begin':
      return begin(world, isolate, { ...what, costs: Math.round(what.need * what.share) })
    case 'end':
      return end(world, isolate)
    case 'flush':
      return flush(world, isolate, what.fate)
    case 'lose':
      return lose(world, what.who)
  }
}

/** Everything ends, and everybody who is left tells. */
function settleAll(world: World): void {
  world.nowMs += 10_000
  for (const isolate of world.isolates) {
    while (isolate.inFlight.length > 0) end(world, isolate)
    flush(world, isolate, 'arrives')
  }
}

test('spent and in slices stay below the budget and one reservation, beyond which is only what requests cost more than reserved', () => {
  fc.assert(
    fc.property(budget, steps, (microdollars, story) => {
      const world = aWorld(microdollars, ISOLATES)
      for (const each of story) {
        run(world, each)
        expect(world.spent + outstanding(world)).toBeLessThanOrEqual(
          Math.max(0, microdollars + world.largest - 1) + world.beyond,
        )
      }
      settleAll(world)
      expect(world.recorded).toBeLessThanOrEqual(Math.max(0, microdollars + world.largest - 1) + world.beyond)
    }),
  )
})

test('settled, unsettled and lost are together what the requests cost, at any time and to the micro-dollar', () => {
  fc.assert(
    fc.property(budget, steps, (microdollars, story) => {
      const world = aWorld(microdollars, ISOLATES)
      for (const each of story) {
        run(world, each)
        // What was done and not acknowledged is settled; its isolate still counts it as unsettled.
        const inDoubt = world.isolates
          .flatMap(({ outbox }) => outbox.sealed)
          .filter(({ id }) => world.known.has(id))
          .flatMap(({ entries }) => entries)
          .reduce((sum, entry) => sum + entry.microdollars, 0)
        const unsettled = world.isolates.reduce((sum, isolate) => sum + isolate.unsettled, 0)
        expect(world.spent + unsettled - inDoubt + world.lost).toBe(world.recorded)
      }
      settleAll(world)
      expect(world.spent + world.lost).toBe(world.recorded)
    }),
  )
})

test('where no isolate was lost nothing stays in slices, and everything is settled', () => {
  fc.assert(
    fc.property(budget, steps, (microdollars, story) => {
      const world = aWorld(microdollars, ISOLATES)
      for (const each of story) if (each.do !== 'lose') run(world, each)
      settleAll(world)
      expect(outstanding(world)).toBe(0)
      expect(world.spent).toBe(world.recorded)
    }),
  )
})

test('as many are served as the budget allows, at least, when clients ask again while some of it is held', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 4 }), (answers, factor) => {
      const costs = 5
      const world = aWorld(answers * costs, ISOLATES)
      const ask = { need: costs * factor, costs, isLost: false }
      for (let round = 0; round < 10 * answers + 10 && world.spent < answers * costs; round += 1) {
        for (const isolate of world.isolates) {
          begin(world, isolate, ask)
          if (round % 3 === 0) end(world, isolate)
          flush(world, isolate, 'arrives')
        }
        world.nowMs += 200
      }
      settleAll(world)
      expect(world.served).toBeGreaterThanOrEqual(answers)
      // R - 1 micro-dollars are less than `factor` answers.
      expect(world.served).toBeLessThan(answers + factor)
    }),
  )
})
