import { describe, expect, test } from 'vitest'
import { narrowTo, type Placement } from '../../../shared/residency/place.ts'
import { POOLS, REGIONS, aMesh, must } from './a-mesh.ts'
import { placementOf, poolsOf, REFUSED, withFloor, withRule } from './a-placement.ts'

test.each<[string, object, string]>([
  ['anywhere', { anywhere: true }, 'eu-1 us-1 ap-1'],
  ['one jurisdiction', { jurisdictions: ['eu'] }, 'eu-1'],
  ['two jurisdictions', { jurisdictions: ['us', 'eu'] }, 'eu-1 us-1'],
  ['a region', { regions: ['ap-southeast'] }, 'ap-1'],
  ['a pool', { pools: ['us-1'] }, 'us-1'],
  ['lists that agree', { jurisdictions: ['eu', 'us'], pools: ['us-1', 'ap-1'] }, 'us-1'],
  ['lists that contradict', { jurisdictions: ['eu'], pools: ['us-1'] }, REFUSED],
  ['a jurisdiction without pools', { jurisdictions: ['ch'] }, REFUSED],
  ['no list at all', {}, REFUSED],
])('a floor with %s allows: %s', (_name, floor, expected) => {
  expect(poolsOf(withFloor(floor))).toBe(expected)
})

test.each<[string, readonly string[] | undefined, string]>([
  ['absent', undefined, 'eu-1 us-1'],
  ['a jurisdiction', ['eu'], 'eu-1'],
  ['a region', ['us-east'], 'us-1'],
  ['a pool', ['eu-1'], 'eu-1'],
  ['two words', ['eu', 'us-1'], 'eu-1 us-1'],
  ['a word outside the floor', ['sg'], REFUSED],
  ['a word inside and one outside the floor', ['sg', 'eu'], 'eu-1'],
  ['an unknown word', ['mars'], REFUSED],
  ['an unknown word beside a known one', ['mars', 'eu'], 'eu-1'],
  ['no word', [], REFUSED],
  ['other case', ['EU'], REFUSED],
])('a narrowing header that is %s leaves of eu and us: %s', (_name, narrow, expected) => {
  const config = withFloor({ jurisdictions: ['eu', 'us'] })
  expect(poolsOf(config, narrow === undefined ? {} : { narrow })).toBe(expected)
})

test('a word that names a jurisdiction does not let in a pool or region of that name elsewhere', () => {
  const config = aMesh({
    regions: [...REGIONS, { id: 'us', jurisdiction: 'eu', latitude: 0, longitude: 0 }],
    pools: [...POOLS, { ...POOLS[0], id: 'eu', region: 'us-east' }, { ...POOLS[0], id: 'x', region: 'us' }],
  })
  expect(poolsOf(config, { narrow: ['eu'] })).toBe('eu-1 x')
  expect(poolsOf(config, { narrow: ['us'] })).toBe('us-1 eu')
})

test.each<[string, object, string]>([
  ['keeps some', { only: { jurisdictions: ['eu'] } }, 'eu-1'],
  ['takes some away', { except: { jurisdictions: ['eu'] } }, 'us-1 ap-1'],
  ['does both', { only: { jurisdictions: ['eu', 'us'] }, except: { pools: ['us-1'] } }, 'eu-1'],
  ['leaves nothing', { only: { jurisdictions: ['ch'] } }, REFUSED],
  ['allows an empty set', { only: {} }, REFUSED],
  ['takes everything', { except: {} }, REFUSED],
  ['does nothing', {}, 'eu-1 us-1 ap-1'],
  ['does not apply', { match: { models: ['n'] }, only: { jurisdictions: ['eu'] } }, 'eu-1 us-1 ap-1'],
])('a rule that %s', (_name, rule, expected) => {
  expect(poolsOf(withRule(rule))).toBe(expected)
})

test('rules add up', () => {
  const rules = [
    { id: 'not-eu', except: { jurisdictions: ['eu'] } },
    { id: 'not-sg', except: { jurisdictions: ['sg'] } },
  ]
  expect(poolsOf(aMesh({ rules }))).toBe('us-1')
})

describe('serving', () => {
  test('only pools that serve some version of the model are in the placement', () => {
    const config = aMesh({
      models: [{ id: 'm', context_length: 8, versions: [{ id: '1' }, { id: '2' }] }],
      pools: [
        {
          ...POOLS[0],
          models: [
            { model: 'm', version: '1', served: 'org/m-one' },
            { model: 'm', served: 'org/m' },
          ],
        },
        { ...POOLS[1], models: [{ model: 'm', version: '3' }] },
        { ...POOLS[2], models: [{ model: 'other' }] },
      ],
    })
    const placement = placementOf(config)
    expect(placement.pools.map(({ pool }) => pool.id)).toEqual(['eu-1'])
    const served = must(placement.pools[0]).served
    expect([served('1'), served('2')]).toEqual(['org/m-one', 'org/m'])
  })

  test('a pool that names no other name is asked for the model by its id, and only for its versions', () => {
    const config = aMesh({
      models: [{ id: 'm', context_length: 8, versions: [{ id: '1' }, { id: '2' }] }],
      pools: [{ ...POOLS[0], models: [{ model: 'm', version: '2' }] }],
    })
    const served = must(placementOf(config).pools[0]).served
    expect([served('1'), served('2')]).toEqual([undefined, 'm'])
  })

  test('when no allowed pool serves the model, the refusal is one of residency', () => {
    const config = aMesh({
      pools: [{ ...POOLS[0], models: [{ model: 'other' }] }, POOLS[1]],
      tenants: [{ id: 't', floor: { jurisdictions: ['eu'] } }],
    })
    expect(poolsOf(config)).toBe(REFUSED)
  })
})

describe('what a placement says', () => {
  test('storage covers every allowed region, whatever its pools serve', () => {
    const config = aMesh({
      pools: [POOLS[0], { ...POOLS[1], models: [{ model: 'other' }] }, POOLS[2]],
      tenants: [{ id: 't', floor: { jurisdictions: ['us', 'eu'] } }],
    })
    const placement = placementOf(config)
    expect(placement.storageRegions.map(({ id }) => id)).toEqual(['eu-central', 'us-east'])
    expect(placement.jurisdictions).toEqual(['eu', 'us'])
    expect(placement.placementClass).toBe('restricted:eu,us')
  })

  test('an anywhere floor that nothing narrows is not restricted, and adding a pool changes no class', () => {
    const [fewer, more] = [aMesh({ pools: POOLS.slice(0, 1) }), aMesh()]
    expect(placementOf(more)).toMatchObject({ restricted: false, rules: [], placementClass: 'anywhere' })
    expect(placementOf(fewer).placementClass).toBe(placementOf(more).placementClass)
  })

  test('a rule or header that applies restricts, even when it happens to take no pool away', () => {
    const europe = { pools: POOLS.slice(0, 1) }
    const ruled = aMesh({ ...europe, rules: [{ id: 'stay', only: { jurisdictions: ['eu'] } }] })
    expect(placementOf(ruled)).toMatchObject({ restricted: true, rules: ['stay'] })
    expect(placementOf(aMesh(europe), { narrow: ['eu'] })).toMatchObject({ restricted: true, rules: [] })
  })

  test('a rule that does not apply, or takes nothing away, is not named', () => {
    const config = aMesh({
      rules: [
        { id: 'elsewhere', match: { countries: ['DE'] }, only: { jurisdictions: ['eu'] } },
        { id: 'idle' },
        { id: 'not-sg', except: { jurisdictions: ['sg'] } },
      ],
    })
    expect(placementOf(config, { arrival: { country: 'US' } }).rules).toEqual(['not-sg'])
  })

  test('a pool in a region that does not exist is in no placement', () => {
    expect(poolsOf(aMesh({ pools: [{ ...POOLS[0], region: 'nowhere' }, POOLS[1]] }))).toBe('us-1')
  })
})

describe('narrowTo', () => {
  const placement = placementOf(withFloor({ jurisdictions: ['eu', 'us'] }))

  test('keeps the named pools and what was decided about storage', () => {
    const result = narrowTo(placement, new Set(['us-1', 'ap-1']))
    const narrowed = must(result.ok ? result.value : undefined)
    expect(narrowed.pools.map(({ pool }) => pool.id)).toEqual(['us-1'])
    expect({ ...narrowed, pools: [] }).toEqual({ ...placement, pools: [] })
  })

  test('refuses when nothing is left', () => {
    expect(narrowTo(placement, new Set(['ap-1']))).toEqual({ ok: false, error: { reason: REFUSED } })
  })
})

test('neither a placement nor a placed pool can be written by hand', () => {
  const { pools, ...rest } = placementOf(aMesh())
  const { restricted, storage, jurisdictions, storageRegions, rules, placementClass } = rest
  const fields = { pools, restricted, storage, jurisdictions, storageRegions, rules, placementClass }
  // @ts-expect-error a plain object has no brand
  const forged: Placement = fields
  const { pool, region, served, isPreferred } = must(pools[0])
  const site = { pool, region, served, isPreferred }
  // @ts-expect-error nor has a plain pool
  const forgedPool: Placement['pools'][number] = site
  expect([forged, forgedPool]).toEqual([fields, site])
})
