/** What tenants and rules say besides places: premises, storage and retention; and what two placements have in common. */
import { describe, expect, test } from 'vitest'
import { intersect } from '../../../shared/residency/place.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { POOLS, aMesh } from './a-mesh.ts'
import { placementOf, poolsOf, REFUSED, withFloor } from './a-placement.ts'

describe('premises of one’s own', () => {
  const pools = [{ ...POOLS[0], sovereign: true }, POOLS[1], { ...POOLS[2], sovereign: true }]
  const preferredOf = (config: MeshConfig): string =>
    placementOf(config)
      .pools.filter(({ isPreferred }) => isPreferred)
      .map(({ pool }) => pool.id)
      .join(' ')

  test.each<[string, object, object, string, string]>([
    ['not asked for', {}, {}, 'eu-1 us-1 ap-1', ''],
    ['asked for by the tenant', { sovereign: 'only' }, {}, 'eu-1 ap-1', ''],
    ['asked for by a rule', {}, { sovereign: 'only' }, 'eu-1 ap-1', ''],
    ['preferred by the tenant', { sovereign: 'prefer' }, {}, 'eu-1 us-1 ap-1', 'eu-1 ap-1'],
    ['preferred by a rule', {}, { sovereign: 'prefer' }, 'eu-1 us-1 ap-1', 'eu-1 ap-1'],
    [
      'preferred, where a rule takes one away',
      { sovereign: 'prefer' },
      { except: { pools: ['ap-1'] } },
      'eu-1 us-1',
      'eu-1',
    ],
  ])('%s', (_name, tenant, rule, allowed, preferred) => {
    const config = aMesh({
      pools,
      tenants: [{ id: 't', floor: { anywhere: true }, ...tenant }],
      rules: [{ id: 'r', ...rule }],
    })
    expect([poolsOf(config), preferredOf(config)]).toEqual([allowed, preferred])
  })

  test('alone restrict a tenant that may go anywhere, and a preference does not', () => {
    const with_ = (sovereign: string): MeshConfig =>
      aMesh({ pools, tenants: [{ id: 't', floor: { anywhere: true }, sovereign }] })
    expect(placementOf(with_('only'))).toMatchObject({
      restricted: true,
      storage: 'home',
      placementClass: 'restricted:eu,sg',
    })
    expect(placementOf(with_('prefer'))).toMatchObject({ restricted: false, storage: 'anywhere' })
  })

  test('that nobody has leave nothing', () => {
    const tenants = [{ id: 't', floor: { anywhere: true }, sovereign: 'only' }]
    expect(poolsOf(aMesh({ tenants }))).toBe(REFUSED)
  })
})

describe('how far storage may spread', () => {
  test.each<[string, object, object | undefined, object]>([
    [
      'anywhere, without a word',
      {},
      undefined,
      { storage: 'anywhere', restricted: false, placementClass: 'anywhere' },
    ],
    [
      'home, for the tenant',
      { storage: 'home' },
      undefined,
      { storage: 'home', restricted: false, placementClass: 'home' },
    ],
    ['none, for the tenant', { storage: 'none' }, undefined, { storage: 'none', restricted: false }],
    ['home, by a rule', {}, { storage: 'home' }, { storage: 'home', restricted: true, rules: ['r'] }],
    ['none, by a rule', { storage: 'home' }, { storage: 'none' }, { storage: 'none', restricted: true }],
    ['none, whatever a rule says', { storage: 'none' }, { storage: 'home' }, { storage: 'none' }],
    ['not loosened by a rule', { storage: 'home' }, { except: { pools: ['ap-1'] } }, { storage: 'home' }],
    ['home, where a floor restricts', { floor: { jurisdictions: ['eu'] } }, undefined, { storage: 'home' }],
  ])('%s', (_name, tenant, rule, expected) => {
    const config = aMesh({
      tenants: [{ id: 't', floor: { anywhere: true }, ...tenant }],
      rules: rule === undefined ? [] : [{ id: 'r', ...rule }],
    })
    expect(placementOf(config)).toMatchObject(expected)
  })

  test('home, where the client narrows', () => {
    expect(placementOf(aMesh(), { narrow: ['eu', 'us', 'sg'] }).storage).toBe('home')
  })

  test('for as long as the tenant says, or without bound', () => {
    const tenants = [{ id: 't', floor: { anywhere: true }, retention_seconds: 60 }]
    expect(placementOf(aMesh({ tenants })).retentionSeconds).toBe(60)
    expect(placementOf(aMesh())).not.toHaveProperty('retentionSeconds')
  })
})

describe('what two placements both allow', () => {
  const lax = placementOf(aMesh())
  const strict = placementOf(
    aMesh({
      tenants: [{ id: 't', floor: { jurisdictions: ['us', 'sg'] }, storage: 'none', retention_seconds: 60 }],
      rules: [{ id: 'not-sg', except: { jurisdictions: ['sg'] } }],
    }),
  )

  test('is the stricter of them, whichever comes first', () => {
    for (const [one, other] of [
      [lax, strict],
      [strict, lax],
    ] as const) {
      const both = intersect(one, other)
      expect(both.ok && { ...both.value, pools: both.value.pools.map(({ pool }) => pool.id) }).toMatchObject({
        pools: ['us-1'],
        restricted: true,
        storage: 'none',
        retentionSeconds: 60,
        jurisdictions: ['us'],
        rules: ['not-sg'],
        placementClass: 'restricted:us',
      })
    }
  })

  test('may be nothing', () => {
    const europe = placementOf(withFloor({ jurisdictions: ['eu'] }))
    expect(intersect(europe, strict)).toEqual({ ok: false, error: { reason: REFUSED } })
  })

  test('is itself, of one twice', () => {
    const both = intersect(lax, lax)
    expect(both.ok && both.value).toEqual(lax)
  })
})
