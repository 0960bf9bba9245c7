/** Laws of the residency verdict, and a deliberately naive second implementation to compare with. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PlaceInput } from '../../../shared/residency/place.ts'
import { place } from '../../../shared/residency/place.ts'
import type { MeshConfig, Rule, Selector } from '../../../shared/schema/mesh.ts'
import { aMesh, firstModel, firstTenant } from './a-mesh.ts'

const RUNS = 3000
const JURISDICTIONS = ['eu', 'us', 'sg']
const REGION_IDS = ['r0', 'r1', 'r2', 'r3']
const POOL_IDS = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5']
const CLASSES = ['health', 'public']

const some = (values: readonly string[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }), { nil: undefined })
const selector = fc
  .record({ jurisdictions: some(JURISDICTIONS), regions: some(REGION_IDS), pools: some(POOL_IDS) })
  .map(withoutUndefined)
/** Conditions are mostly absent, so that whole rules often apply. */
const condition = (values: readonly string[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }), { nil: undefined, freq: 2 })
const match = fc
  .record({
    tenants: condition(['t', 'u']),
    models: condition(['m', 'n']),
    data_classes: condition(CLASSES),
    countries: condition(['DE', 'US']),
    continents: condition(['EU', 'NA']),
    colos: condition(['FRA', 'IAD']),
  })
  .map(withoutUndefined)
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const rule = fc.record({ match, only: maybe(selector), except: maybe(selector) }).map(withoutUndefined)

const config = fc
  .record({
    regions: fc.tuple(...REGION_IDS.map(() => fc.constantFrom(...JURISDICTIONS))),
    pools: fc.array(
      fc.record({ region: fc.constantFrom(...REGION_IDS), model: fc.constantFrom('m', 'm', 'm', 'n') }),
      { minLength: 1, maxLength: POOL_IDS.length },
    ),
    floor: fc.oneof(fc.constant({ anywhere: true as const }), selector),
    rules: fc.array(rule, { maxLength: 2 }),
    classes: fc.subarray(CLASSES),
  })
  .map(({ regions, pools, floor, rules, classes }) =>
    aMesh({
      regions: regions.map((jurisdiction, n) => ({ id: `r${n}`, jurisdiction, latitude: n, longitude: n })),
      pools: pools.map((pool, n) => ({
        id: `p${n}`,
        region: pool.region,
        dialect: 'openai',
        url: 'https://pool.example/v1',
        models: [{ model: pool.model }],
      })),
      models: [
        { id: 'm', context_length: 8 },
        { id: 'n', context_length: 8 },
      ],
      tenants: [{ id: 't', floor, data_classes: classes }],
      rules: rules.map((one, n) => ({ ...one, id: `rule-${n}` })),
    }),
  )
const request = fc
  .record({
    country: maybe(fc.constantFrom('DE', 'US', 'FR', 'T1', 'XX')),
    continent: maybe(fc.constantFrom('EU', 'NA', 'AF')),
    colo: maybe(fc.constantFrom('FRA', 'IAD', 'LHR')),
    dataClass: maybe(fc.constantFrom('health', 'public', 'other')),
    narrow: maybe(
      fc.uniqueArray(fc.constantFrom(...JURISDICTIONS, ...REGION_IDS, ...POOL_IDS, 'mars'), { maxLength: 3 }),
    ),
  })
  .map(withoutUndefined)
type Request = { country?: string; continent?: string; colo?: string; dataClass?: string; narrow?: string[] }

function inputOf(mesh: MeshConfig, { dataClass, narrow, ...where }: Request): PlaceInput {
  return {
    config: mesh,
    tenant: firstTenant(mesh),
    model: firstModel(mesh),
    arrival: { host: 'h', ...where },
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(narrow === undefined ? {} : { narrow }),
  }
}

function allowedBy(input: PlaceInput): string[] {
  const result = place(input)
  return result.ok ? result.value.pools.map(({ pool }) => pool.id) : []
}

/** Asks one pool at a time, with loops and early exits, sharing nothing with the product. */
function naivelyAllows(mesh: MeshConfig, asked: Request, poolId: string): boolean {
  const pool = mesh.pools.filter((one) => one.id === poolId)[0]
  if (pool === undefined || !pool.models.some((entry) => entry.model === 'm')) return false
  const region = mesh.regions.filter((one) => one.id === pool.region)[0]
  const tenant = mesh.tenants[0]
  if (region === undefined || tenant === undefined) return false
  const names: Record<string, string> = {
    jurisdictions: region.jurisdiction,
    regions: region.id,
    pools: pool.id,
  }
  const inside = (chosen: Selector): boolean => {
    for (const [kind, list] of Object.entries(chosen)) if (!list?.includes(names[kind] ?? '')) return false
    return true
  }
  if (!('anywhere' in tenant.floor)) {
    if (Object.keys(tenant.floor).length === 0 || !inside(tenant.floor)) return false
  }
  for (const one of mesh.rules) {
    if (!naivelyMatches(one, asked, tenant.data_classes)) continue
    if (one.only !== undefined && (Object.keys(one.only).length === 0 || !inside(one.only))) return false
    if (one.except !== undefined && inside(one.except)) return false
  }
  if (asked.narrow === undefined) return true
  return asked.narrow.some((word) => word === region.jurisdiction || word === region.id || word === pool.id)
}

function naivelyMatches(one: Rule, asked: Request, classes: readonly string[]): boolean {
  if (one.match.tenants !== undefined && !one.match.tenants.includes('t')) return false
  if (one.match.models !== undefined && !one.match.models.includes('m')) return false
  const { country, continent, colo, dataClass } = asked
  if (country !== undefined && country !== 'T1' && country !== 'XX') {
    if (one.match.countries !== undefined && !one.match.countries.includes(country)) return false
  }
  const continents: readonly string[] | undefined = one.match.continents
  if (continent !== undefined && continents !== undefined && !continents.includes(continent)) return false
  if (colo !== undefined && one.match.colos !== undefined && !one.match.colos.includes(colo)) return false
  if (dataClass === undefined || !classes.includes(dataClass)) return true
  return one.match.data_classes === undefined || one.match.data_classes.includes(dataClass)
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  // Object.fromEntries loses the key types, which dropping undefined members does not change.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

test('allows exactly the pools that a naive reading of the rules allows', () => {
  let refused = 0
  let partial = 0
  fc.assert(
    fc.property(config, request, (mesh, asked) => {
      const naive = mesh.pools.filter((pool) => naivelyAllows(mesh, asked, pool.id)).map((pool) => pool.id)
      const actual = allowedBy(inputOf(mesh, asked))
      if (actual.length === 0) refused += 1
      else if (actual.length < mesh.pools.length) partial += 1
      expect(actual).toEqual(naive)
    }),
    { numRuns: RUNS },
  )
  // The comparison means something only if both kinds of answer are common.
  expect(refused).toBeGreaterThan(RUNS / 20)
  expect(partial).toBeGreaterThan(RUNS / 20)
})

test('no further rule, and no header, ever adds a pool', () => {
  fc.assert(
    fc.property(config, request, rule, (mesh, asked, extra) => {
      const { narrow: _header, ...bare } = asked
      const widest = new Set(allowedBy(inputOf(mesh, bare)))
      const ruled = aMesh({ ...mesh, rules: [...mesh.rules, { ...extra, id: 'extra' }] })
      for (const narrower of [inputOf(mesh, asked), inputOf(ruled, bare)]) {
        expect(allowedBy(narrower).filter((pool) => !widest.has(pool))).toEqual([])
      }
    }),
    { numRuns: RUNS },
  )
})

test('knowing less about a request never adds a pool', () => {
  fc.assert(
    fc.property(
      config,
      request,
      fc.constantFrom('country' as const, 'continent' as const, 'colo' as const, 'dataClass' as const),
      (mesh, asked, forgotten) => {
        const { [forgotten]: _forgotten, ...less } = asked
        const known = new Set(allowedBy(inputOf(mesh, asked)))
        expect(allowedBy(inputOf(mesh, less)).filter((pool) => !known.has(pool))).toEqual([])
      },
    ),
    { numRuns: RUNS },
  )
})

test('no placement has a pool, a jurisdiction or a storage region outside the floor', () => {
  fc.assert(
    fc.property(config, request, (mesh, asked) => {
      const { floor } = firstTenant(mesh)
      const result = place(inputOf(mesh, asked))
      if (!result.ok || 'anywhere' in floor) return
      const { pools, jurisdictions, storageRegions, restricted } = result.value
      expect(restricted).toBe(true)
      for (const { pool, region } of pools) {
        expect(floor.pools ?? [pool.id]).toContain(pool.id)
        expect(floor.regions ?? [region.id]).toContain(region.id)
      }
      for (const name of jurisdictions) expect(floor.jurisdictions ?? [name]).toContain(name)
      for (const { id, jurisdiction } of storageRegions) {
        expect(floor.regions ?? [id]).toContain(id)
        expect(floor.jurisdictions ?? [jurisdiction]).toContain(jurisdiction)
      }
    }),
    { numRuns: RUNS },
  )
})
