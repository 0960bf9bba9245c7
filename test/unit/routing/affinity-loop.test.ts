/** Requests with the same beginning, in a closed loop: they stay where it is cached while that pays, and no longer. */
import { describe, expect, test } from 'vitest'
import { aPrompt, aText, createFleet, type Fleet, type VirtualAnswer } from '../../support/virtual-fleet.ts'
import { aMesh, must } from '../residency/a-mesh.ts'
import { EDGES, PER_SECOND, equalPools, worstShare } from './equal-pools.ts'

const SEEDS = [1, 2, 3]
/** On a machine that does much else. */
const PATIENCE = { timeout: 30_000 }
const TURNS = 6
const THINK_MS = 2000
const SYSTEM = aText('you are a helpful assistant', 2000)

/** Holds a conversation at an edge, one turn after the other; `said` collects its answers. */
function converse(
  fleet: Fleet,
  edge: number,
  name: string,
  said: VirtualAnswer[],
  opening: readonly string[],
): void {
  const messages = [...opening, aText(`${name} begins`, 400)]
  const turn = (number: number): void => {
    fleet.send(edge, { prompt: aPrompt(...messages), outputTokens: 100 }, () => {
      messages.push(aText(`${name} is told ${number}`, 100), aText(`${name} asks ${number}`, 100))
      if (number < TURNS) fleet.time.after(THINK_MS * (0.5 + fleet.time.random()), () => turn(number + 1))
    })
    said.push(must(fleet.answers.at(-1)))
  }
  turn(1)
}

/** Begins so many conversations a second for so long, each at the next edge. */
function conversations(
  fleet: Fleet,
  perSecond: number,
  seconds: number,
  opening: readonly string[] = [],
): readonly (readonly VirtualAnswer[])[] {
  const all: VirtualAnswer[][] = []
  for (let number = 0; number < perSecond * seconds; number += 1) {
    const said: VirtualAnswer[] = []
    all.push(said)
    fleet.time.after((number * 1000) / perSecond, () =>
      converse(fleet, number % EDGES, `talk ${number}`, said, opening),
    )
  }
  fleet.time.runUntil((seconds + 20) * 1000)
  return all
}

/** Of all turns but the first, those that went where the one before was answered. */
function stayed(all: readonly (readonly VirtualAnswer[])[]): number {
  const later = all.flatMap((said) =>
    said.slice(1).map((answer, index) => answer.asked[0] === said[index]?.answeredBy),
  )
  return later.filter(Boolean).length / later.length
}

describe.each(SEEDS)('with chance %i', PATIENCE, (seed) => {
  test('conversations stay at their pools, which get equal numbers of them', () => {
    const fleet = equalPools({ seed, reports: { everyMs: 2000 } })
    const all = conversations(fleet, PER_SECOND / TURNS, 25)
    expect(stayed(all)).toBeGreaterThanOrEqual(0.95)
    expect(worstShare(fleet.answers, 10_000, 25_000)).toBeLessThanOrEqual(1.3)
  })

  test('they also do where all begin alike, and the common beginning does not keep them at one pool', () => {
    const fleet = equalPools({ seed, reports: { everyMs: 2000 }, utilisation: 0.5 })
    const all = conversations(fleet, PER_SECOND / TURNS, 30, [SYSTEM])
    // It begins at one pool, which has it first; the others get it when that one is full, and then count as equal.
    const begunLate = all.filter(([first]) => must(first).atMs > 15_000)
    expect(stayed(begunLate)).toBeGreaterThanOrEqual(0.95)
    expect(worstShare(fleet.answers, 15_000, 30_000)).toBeLessThanOrEqual(1.7)
  })

  test('nor does it where each asks only once', () => {
    const fleet = equalPools({ seed, reports: { everyMs: 2000 } })
    let count = 0
    for (let edge = 0; edge < EDGES; edge += 1) {
      fleet.load(edge, PER_SECOND / EDGES, () => {
        count += 1
        return { prompt: aPrompt(SYSTEM, aText(`question ${count}`, 50)), outputTokens: 100 }
      })
    }
    fleet.time.runUntil(30_000)
    expect(worstShare(fleet.answers, 10_000, 30_000)).toBeLessThanOrEqual(1.5)
  })
})

describe.each(SEEDS)('a near pool and a far one, with chance %i', (seed) => {
  const FAR_RTT_MS = 90
  const BOOK = aText('a book', 16_000)
  const OTHER_BOOK = aText('another book', 16_000)

  /** Both books were read at the far pool, while the near one took nothing; the other book first. */
  function afterReading(): { ask: (...messages: readonly string[]) => VirtualAnswer; fleet: Fleet } {
    const config = aMesh({ tenants: [{ id: 't', floor: { jurisdictions: ['eu', 'us'] } }] })
    const spec = { capacity: 32, baseMs: 20, msPerPromptToken: 0.1, msPerOutputToken: 10, noise: 0.01 }
    const fleet = createFleet({
      config,
      seed,
      engines: { 'eu-1': spec, 'us-1': spec },
      rttMs: (_region, pool) => (pool === 'us-1' ? FAR_RTT_MS : 1),
      reports: { everyMs: 1000 },
    })
    const edge = fleet.addEdge('eu-central')
    const ask = (...messages: readonly string[]): VirtualAnswer => {
      fleet.send(edge, { prompt: aPrompt(...messages), outputTokens: 10 })
      const asked = fleet.answers.length - 1
      fleet.time.runUntil(fleet.time.now() + 4000)
      return must(fleet.answers[asked])
    }
    ask('Hello')
    fleet.monitors?.drain('eu-1', true)
    fleet.time.runUntil(fleet.time.now() + 4000)
    expect([ask(OTHER_BOOK, 'Sum it up.'), ask(BOOK, 'Sum it up.')]).toMatchObject([
      { asked: ['us-1'], cachedTokens: 0 },
      { asked: ['us-1'], cachedTokens: 0 },
    ])
    fleet.monitors?.drain('eu-1', false)
    fleet.time.runUntil(fleet.time.now() + 4000)
    return { ask, fleet }
  }

  test('a long prompt goes where most of it is cached, a short one does not', () => {
    const { ask } = afterReading()
    const long = ask(BOOK, 'Who is the murderer?')
    expect(long).toMatchObject({ asked: ['us-1'], reason: 'best' })
    expect(must(long.cachedTokens)).toBeGreaterThan(15_000)
    expect(must(long.ttftMs)).toBeLessThan(150)
    expect(ask(aText('a note', 200)).asked).toEqual(['eu-1'])
  })

  test('when a pool has lost its cache one report says so, and others that were cached there go near', () => {
    const { ask, fleet } = afterReading()
    must(fleet.engines.get('us-1')).clearCache()
    expect(ask(BOOK, 'Who is the murderer?')).toMatchObject({ asked: ['us-1'], cachedTokens: 0 })
    expect(ask(OTHER_BOOK, 'Who is the heroine?').asked).toEqual(['eu-1'])
    expect(ask(BOOK, 'Who else?').asked).toEqual(['us-1'])
  })
})
