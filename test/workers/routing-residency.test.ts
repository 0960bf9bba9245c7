/** What routing remembers of a request stays where the rules allow the request to be, and what it tells others is no request's. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Prompt } from '../../shared/affinity/prompt.ts'
import { keyName } from '../../shared/affinity/pseudonym.ts'
import { accept, createRegionView, keepStatus, shareOf, snapshot } from '../../shared/monitor/region-view.ts'
import { promptFor } from '../../workers/stages/prompt-for.ts'
import { aCountedEdge, START_MS, type Asking, type CountedEdge } from './support/counted-edge.ts'

const POOLS = ['eu-central', 'us-east', 'ap-southeast']
const TENANTS = ['demo', 'eu-bank'] as const
const MARKER = 'zQxMARKERq7Zx'
/** Long enough to be recognised by its beginning. */
const CONTENT = `${MARKER} ${'and so it went on and on. '.repeat(200)}`
const HINT = `${MARKER}-conversation`
const ASKED: Asking = { content: CONTENT, headers: { 'x-mesh-affinity': HINT } }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function asked(colo: string, tenant: 'demo' | 'eu-bank', more: Asking = {}): Promise<CountedEdge> {
  const edge = aCountedEdge({ colo })
  const response = await edge.ask({ ...ASKED, ...more, tenant })
  expect(response.status).toBe(200)
  return edge
}

/** The prompt as routing knows it, ids and all. */
async function promptIn({ isolate }: CountedEdge, tenant: string): Promise<Prompt> {
  const { cacheSalt } = await isolate.keys.of(tenant)
  return promptFor({
    generation: {
      surface: 'chat',
      model: 'story',
      stream: true,
      includeUsage: false,
      body: { messages: [{ role: 'user', content: CONTENT }] },
      hints: {},
    },
    modelVersion: '1',
    cacheSalt,
    affinity: HINT,
    isRemembered: true,
  })
}

/** Tokens of the prompt that are believed to be anywhere, seen from anywhere, by who made it or made vectors. */
async function remembered(edge: CountedEdge, tenant: string): Promise<number> {
  const { anchors } = await promptIn(edge, tenant)
  expect(anchors.list.length).toBeGreaterThan(1)
  const { pools } = edge.isolate
  const views = POOLS.flatMap((region) => [pools.seenFrom(region), pools.embeddingsFrom(region)])
  const known = views.flatMap(({ warmth }) =>
    POOLS.map((pool) => warmth.believed(anchors, pool, { promptTokens: 1000, nowMs: edge.clock.nowMs })),
  )
  return known.reduce((sum, { knownTokens }) => sum + knownTokens, 0)
}

describe('where a prompt was sent', () => {
  test('is remembered of a tenant who may be anywhere, and of one who may be here', async () => {
    expect(await remembered(await asked('IAD', 'demo'), 'demo')).toBeGreaterThan(900)
    expect(await remembered(await asked('FRA', 'eu-bank'), 'eu-bank')).toBeGreaterThan(900)
  })

  test.each(['IAD', 'SIN', 'CDG', 'XXX'])(
    'is not, of a tenant who may be in the EU only, at %s',
    async (colo) => {
      const edge = await asked(colo, 'eu-bank')
      expect(edge.events).toContain('pool')
      expect(await remembered(edge, 'eu-bank')).toBe(0)
      // It was measured all the same: times are nobody's.
      expect([...edge.isolate.pools.seenFrom(regionOf(colo)).all.keys()]).toEqual(['eu-central'])
    },
  )

  test('nor of a request that its client has narrowed to somewhere else', async () => {
    const narrowed = { headers: { ...ASKED.headers, 'x-mesh-residency': 'eu' } }
    expect(await remembered(await asked('IAD', 'demo', narrowed), 'demo')).toBe(0)
    expect(await remembered(await asked('FRA', 'demo', narrowed), 'demo')).toBeGreaterThan(900)
  })

  test('one tenant’s is not known by another’s name', async () => {
    expect(await remembered(await asked('FRA', 'demo'), 'eu-bank')).toBe(0)
  })

  test('does not count what is hot, where it may not be remembered', async () => {
    for (const [colo, isCounted] of [
      ['FRA', true],
      ['IAD', false],
    ] as const) {
      const edge = aCountedEdge({ colo })
      const { anchors } = await promptIn(edge, 'eu-bank')
      for (let count = 0; count < 12; count += 1) await edge.ask({ ...ASKED, tenant: 'eu-bank' })
      const { hotAnchors } = edge.isolate.pools.seenFrom(regionOf(colo))
      // What all requests begin with is passed over for what comes after it.
      const first = hotAnchors.affinityAnchor(anchors, 3)?.id === anchors.list[0]?.id
      expect(first).toBe(!isCounted)
    }
  })
})

describe('what leaves the isolate for a monitor, and for the cache', () => {
  /** An exchange after which the monitor has told what it made of the reports, and that was left in the cache. */
  async function exchanged(tenant: 'demo' | 'eu-bank'): Promise<CountedEdge> {
    const monitor = createRegionView('eu-central', POOLS, ['story'])
    // It tells of pools whose monitors it has asked.
    for (const [id, pool] of monitor.pools)
      keepStatus(pool, shareOf(monitor, id, START_MS), undefined, START_MS)
    const edge: CountedEdge = aCountedEdge({
      monitor(report) {
        accept(monitor, report, edge.clock.nowMs)
        return Promise.resolve(snapshot(monitor, edge.clock.nowMs))
      },
    })
    for (let count = 0; count < 3; count += 1) await edge.ask({ ...ASKED, tenant })
    // Pools that turn a key away are remembered together with it.
    edge.pool.status = 429
    expect((await edge.ask({ ...ASKED, tenant })).status).toBe(503)
    edge.clock.nowMs = START_MS + 3_000
    await vi.advanceTimersByTimeAsync(3_000)
    await expect.poll(() => edge.left.length).toBeGreaterThan(0)
    return edge
  }

  test.each(TENANTS)('is counts, times and names of the config, of %s', async (tenant) => {
    const edge = await exchanged(tenant)
    const observations = edge.reports.flatMap((report) => report.observations)
    expect(observations.filter(({ kind }) => kind === 'first_token')).toHaveLength(3)
    expect(observations.filter(({ kind }) => kind === 'served')).toHaveLength(3)
    const away = observations.filter(({ kind }) => kind === 'saturated').map(({ pool }) => pool)
    expect(away[0]).toBe('eu-central')
    expect([...membersOf(edge.reports)].toSorted()).toEqual(
      (
        'askedAtMs atMs completionTokens decodeMs inFlight key kind model observations observer pool predictedMs ' +
        'promptBytes promptTokens queueMs roundTripMs sentTokens status ttftMs uncachedTokens'
      ).split(' '),
    )
    const { cacheSalt } = await edge.isolate.keys.of(tenant)
    const key = keyName('k1', cacheSalt)
    const observer = edge.reports[0]?.observer ?? ''
    const kinds = ['first_token', 'served', 'saturated']
    expect(wordsOf(edge.reports)).toEqual(new Set([...kinds, 'story', observer, key, ...away]))
    expect(wordsOf(edge.left.map((text): unknown => JSON.parse(text)))).toEqual(
      new Set(['closed', 'well', 'eu-central', key]),
    )
  })

  test.each(TENANTS)('has no part of a prompt, no anchor, no tenant, no key, of %s', async (tenant) => {
    const edge = await exchanged(tenant)
    const { anchors, hint } = await promptIn(edge, tenant)
    const { cacheSalt, objectName } = await edge.isolate.keys.of(tenant)
    const ids = [...anchors.list.map(({ id }) => id), hint ?? Number.NaN]
    const secrets = [MARKER, tenant, '"k1"', cacheSalt, objectName, 'sk-mesh', ...ids.flatMap(formsOf)]
    const told = [JSON.stringify(edge.reports), ...edge.left, ...edge.lines]
    expect(edge.lines.length).toBeGreaterThan(0)
    const outside = told.slice(0, -edge.lines.length)
    for (const secret of secrets) expect(outside.filter((text) => text.includes(secret))).toEqual([])
    // The log may say whose request it was, and nothing of what it held.
    for (const secret of [MARKER, cacheSalt, ...ids.flatMap(formsOf)]) {
      expect(edge.lines.filter((text) => text.includes(secret))).toEqual([])
    }
  })

  test('names an API key so that only who has the tenant’s secret knows which one it is', async () => {
    const names = new Set<string>()
    for (const tenant of TENANTS) {
      const edge = await exchanged(tenant)
      const { cacheSalt } = await edge.isolate.keys.of(tenant)
      const keys = edge.reports.flatMap(({ observations }) =>
        observations.flatMap((seen) => ('key' in seen ? [seen.key] : [])),
      )
      expect(new Set(keys)).toEqual(new Set([keyName('k1', cacheSalt)]))
      expect(keys[0]).toMatch(/^[0-9a-z]{8,11}$/)
      names.add(keys[0] ?? '')
    }
    // Both tenants call theirs "k1".
    expect(names.size).toBe(2)
  })
})

function regionOf(colo: string): string {
  // What the config does not list counts as near to its first region.
  return { IAD: 'us-east', SIN: 'ap-southeast' }[colo] ?? 'eu-central'
}

const formsOf = (id: number): string[] => [String(id), id.toString(16), id.toString(36)]

/** Names of all members of a value, at any depth, but for those that are themselves names of pools. */
function membersOf(value: unknown, into = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) membersOf(item, into)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      if (!POOLS.includes(name)) into.add(name)
      membersOf(member, into)
    }
  }
  return into
}

/** All texts in a value, at any depth. */
function wordsOf(value: unknown, into = new Set<string>()): Set<string> {
  if (typeof value === 'string') into.add(value)
  else if (Array.isArray(value)) for (const item of value) wordsOf(item, into)
  else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) wordsOf(member, into)
  }
  return into
}
