/** Whatever two configs are, a request that may do more under the second is announced. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffConfigs } from '../../../shared/config-diff/diff.ts'
import { widenedPools, widenedTerms } from '../../../shared/config-diff/widening.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { meshSchema } from '../../../shared/schema/mesh.ts'
import { naiveVerdict } from '../../support/naive-residency.ts'
import { aMesh } from '../residency/a-mesh.ts'
import { aMode, aPolicy, aRequest, aRule } from '../residency/policies.ts'

const RUNS = 10_000
/** Seconds on a quiet machine. */
const PATIENT = { timeout: 60_000 }
const LAXITY = ['none', 'home', 'anywhere']

/** Two configs that have much in common, as a change and what it changes. */
const aChange = fc
  .record({
    before: aPolicy,
    other: aPolicy,
    taken: fc.subarray(['regions', 'pools', 'tenants', 'rules'] as const),
    more: fc.array(aRule, { maxLength: 1 }),
    less: fc.boolean(),
  })
  .map(({ before, other, taken, more, less }) => {
    const parts = Object.fromEntries(taken.map((part) => [part, other[part]]))
    const after: MeshConfig = { ...before, ...parts }
    const rules = [...(less ? after.rules.slice(1) : after.rules), ...more]
    const named = rules.map((rule, n) => ({ ...rule, id: `rule-${n}` }))
    return { before, after: meshSchema.parse({ ...after, rules: named }) }
  })

test('every pool that a request may newly use is named', PATIENT, () => {
  const seen = { wider: 0, asWide: 0, quiet: 0 }
  fc.assert(
    fc.property(aChange, aRequest, aMode, ({ before, after }, request, mode) => {
      // A key that is not there can ask for nothing.
      const [keys, newKeys] = [before, after].map((one) => one.tenants[0]?.keys.map(({ id }) => id) ?? [])
      const { key, ...rest } = request
      const asked = key !== undefined && keys?.includes(key) && newKeys?.includes(key) ? request : rest
      const old = naiveVerdict(before, asked, mode)
      const now = naiveVerdict(after, asked, mode)
      const announced = widenedPools(before, after).map(({ pool }) => pool)
      const wider = now.pools.filter((pool) => !old.pools.includes(pool))
      expect(announced).toEqual(expect.arrayContaining(wider))
      seen[wider.length > 0 ? 'wider' : 'asWide'] += 1
      if (announced.length === 0) seen.quiet += 1

      const isStoredWider = LAXITY.indexOf(now.storage) > LAXITY.indexOf(old.storage)
      // What is stored of requests that may go nowhere is nothing; and a floor that opens is a pool that is named.
      if (old.pools.length > 0 && now.pools.length > 0 && isStoredWider && announced.length === 0) {
        expect(widenedTerms(before, after)).toContain('t: more may be stored')
      }
    }),
    { numRuns: RUNS },
  )
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(RUNS / 50)
})

test('what has not changed is not called wider, and the order of rules, regions and pools is nothing', () => {
  fc.assert(
    fc.property(aPolicy, (config) => {
      const { rules, pools, regions } = config
      const turned = {
        ...config,
        rules: rules.toReversed(),
        pools: pools.toReversed(),
        regions: regions.toReversed(),
      }
      expect(widenedPools(config, config)).toEqual([])
      expect(widenedPools(config, turned)).toEqual([])
      expect(diffConfigs(config, config)).toEqual({ widened: [], narrowed: [], orphaned: [], changed: [] })
    }),
  )
})

test('a rule that is added widens nothing', () => {
  fc.assert(
    fc.property(aPolicy, aRule, (config, rule) => {
      const after = meshSchema.parse({ ...config, rules: [...config.rules, { ...rule, id: 'new' }] })
      expect(widenedPools(config, after)).toEqual([])
      expect(widenedTerms(config, after)).toEqual([])
    }),
  )
})

const BANK = { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, retention_seconds: 10 }

test.each([
  [
    'a floor that opens',
    { tenants: [{ id: 'eu-bank', floor: { anywhere: true } }] },
    [
      'newly allowed: eu-bank → us-1 (us-east), for m',
      'newly allowed: eu-bank → ap-1 (ap-southeast), for m',
      'eu-bank: more may be stored',
      'eu-bank: may be stored for longer',
    ],
  ],
  ['a limit', { tenants: [BANK], limits: { max_messages: 7 } }, []],
  [
    'a second tenant',
    { tenants: [BANK, { id: 'two', floor: { pools: ['eu-1'] } }] },
    ['newly allowed: two → eu-1 (eu-central), for m'],
  ],
  [
    'more storage time',
    { tenants: [{ ...BANK, retention_seconds: 20 }] },
    ['eu-bank: may be stored for longer'],
  ],
])('%s is told', (_name, changes, widened) => {
  expect(diffConfigs(aMesh({ tenants: [BANK] }), aMesh(changes)).widened).toEqual(widened)
})

test('what is narrower, what has no pool left and what else is different is told, too', () => {
  const tenants = [{ id: 't', floor: { anywhere: true } }]
  const before = aMesh({ tenants })
  const after = aMesh({
    tenants: [{ id: 't', floor: { jurisdictions: ['eu'] } }],
    pools: before.pools.map((pool) => ({ ...pool, models: [{ model: 'other' }] })),
    models: [...before.models, { id: 'other', context_length: 10 }],
    limits: { max_messages: 7 },
  })
  const diff = diffConfigs(before, after)
  expect(diff.narrowed).toContain('no longer allowed: t → us-1 (us-east), for m')
  expect(diff.orphaned).toEqual(['t has no pool left for m'])
  expect(diff.changed).toContain('limits.max_messages: 2048 → 7')
  expect(diff.changed).toContain('model other: new')
  expect(diff.changed).toContain('tenant t: floor changed')
})

test('a pool that keeps its name and moves is another pool', () => {
  const before = aMesh()
  const after = aMesh({
    pools: before.pools.map((pool) => ({ ...pool, ...(pool.id === 'eu-1' ? { region: 'us-east' } : {}) })),
  })
  expect(diffConfigs(before, after).widened).toEqual(['newly allowed: t → eu-1 (us-east), for m'])
})
