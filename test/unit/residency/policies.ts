/** Random policies and requests for the laws of residency: small worlds, in which every kind of verdict is common. */
import fc from 'fast-check'
import type { MeshMode } from '../../../shared/config/mode.ts'
import type { PlaceInput } from '../../../shared/residency/place.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import type { NaiveRequest } from '../../support/naive-residency.ts'
import { aMesh, firstModel, firstTenant } from './a-mesh.ts'

const JURISDICTIONS = ['eu', 'us', 'sg']
const REGION_IDS = ['r0', 'r1', 'r2', 'r3']
const POOL_IDS = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5']
const CLASSES = ['health', 'public']
export const HEADER_NAMES = ['x-department', 'x-case']
const VALUES = ['radiology', 'oncology', 'Legal']

const some = (values: readonly string[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }), { nil: undefined })
export const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
/** Mostly there, so that requests are mostly known. */
const mostly = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 5 })
/** Mostly absent, so that whole rules often apply. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const condition = (values: readonly string[]) =>
  rarely(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }))

const selector = fc
  .record({ jurisdictions: some(JURISDICTIONS), regions: some(REGION_IDS), pools: some(POOL_IDS) })
  .map(withoutUndefined)
const header = fc.record({
  name: fc.constantFrom(...HEADER_NAMES),
  values: fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1 }),
})
const match = fc
  .record({
    tenants: condition(['t', 'u']),
    models: condition(['m', 'n']),
    data_classes: condition(CLASSES),
    countries: condition(['DE', 'US', 'GP']),
    eu_member: rarely(fc.boolean()),
    continents: condition(['EU', 'NA']),
    colos: condition(['FRA', 'IAD']),
    hosts: condition(['eu.example', 'us.example:443']),
    headers: rarely(fc.array(header, { minLength: 1, maxLength: 2 })),
  })
  .map(withoutUndefined)
export const aRule = fc
  .record({
    match,
    only: maybe(selector),
    except: rarely(selector),
    sovereign: rarely(fc.constantFrom('only', 'prefer')),
    storage: rarely(fc.constantFrom('none', 'home')),
  })
  .map(withoutUndefined)

const keys = fc.array(maybe(fc.subarray(CLASSES)), { maxLength: 2 }).map((lists) =>
  lists.map((classes, n) => ({
    id: `k${n}`,
    sha256: String(n).repeat(64),
    ...(classes === undefined ? {} : { data_classes: classes }),
  })),
)

export const aPolicy: fc.Arbitrary<MeshConfig> = fc
  .record({
    regions: fc.tuple(...REGION_IDS.map(() => fc.constantFrom(...JURISDICTIONS))),
    pools: fc.array(
      fc.record({
        region: fc.constantFrom(...REGION_IDS),
        model: fc.constantFrom('m', 'm', 'm', 'n'),
        sovereign: fc.boolean(),
      }),
      { minLength: 1, maxLength: POOL_IDS.length },
    ),
    floor: fc.oneof(fc.constant({ anywhere: true as const }), selector),
    sovereign: rarely(fc.constantFrom('only', 'prefer')),
    storage: fc.constantFrom('none', 'home', 'anywhere', 'anywhere', 'anywhere'),
    rules: fc.array(aRule, { maxLength: 3 }),
    classes: fc.subarray(CLASSES),
    keys,
    retention: maybe(fc.integer({ min: 1, max: 1000 })),
  })
  .map(({ regions, pools, floor, rules, classes, retention, sovereign, ...tenant }) =>
    aMesh({
      regions: regions.map((jurisdiction, n) => ({ id: `r${n}`, jurisdiction, latitude: n, longitude: n })),
      pools: pools.map((pool, n) => ({
        id: `p${n}`,
        region: pool.region,
        dialect: 'openai',
        url: 'https://pool.example/v1',
        models: [{ model: pool.model }],
        sovereign: pool.sovereign,
      })),
      models: [
        { id: 'm', context_length: 8 },
        { id: 'n', context_length: 8 },
      ],
      tenants: [
        {
          id: 't',
          floor,
          data_classes: classes,
          keys: tenant.keys,
          storage: tenant.storage,
          ...(sovereign === undefined ? {} : { sovereign }),
          ...(retention === undefined ? {} : { retention_seconds: retention }),
        },
      ],
      rules: rules.map((one, n) => ({ ...one, id: `rule-${n}` })),
    }),
  )

const headerText = fc
  .array(fc.constantFrom(...VALUES, 'legal', 'other', ''), { minLength: 1, maxLength: 3 })
  .map((values) => values.join(', '))

/** Every header is known: there with some text, or known not to be there. */
export const aRequest: fc.Arbitrary<NaiveRequest> = fc
  .record({
    key: mostly(fc.constantFrom('k0', 'k1', 'gone')),
    country: mostly(fc.constantFrom('DE', 'US', 'FR', 'GP', 'GB', 'T1', 'XX', 'ZZ', 'UK')),
    continent: mostly(fc.constantFrom('EU', 'NA', 'AF')),
    colo: mostly(fc.constantFrom('FRA', 'IAD', 'LHR')),
    host: mostly(fc.constantFrom('eu.example', 'EU.Example.:8443', 'us.example', 'other.example')),
    dataClass: maybe(fc.constantFrom('health', 'public', 'other')),
    narrow: rarely(
      fc.uniqueArray(fc.constantFrom(...JURISDICTIONS, ...REGION_IDS, ...POOL_IDS, 'mars'), { maxLength: 3 }),
    ),
    headers: fc.record({
      'x-department': fc.option(headerText, { nil: null }),
      'x-case': fc.option(headerText, { nil: null }),
    }),
  })
  .map(withoutUndefined)

export const aMode: fc.Arbitrary<MeshMode> = fc.constantFrom<MeshMode[]>(
  { kind: 'cloudflare' },
  { kind: 'dev' },
  { kind: 'single', jurisdiction: 'eu' },
  { kind: 'single', jurisdiction: 'sg' },
)

export function inputOf(config: MeshConfig, request: NaiveRequest): PlaceInput {
  const { key, dataClass, narrow, headers, host = '', ...where } = request
  return {
    config,
    tenant: firstTenant(config),
    model: firstModel(config),
    arrival: { host, ...where },
    ...(key === undefined ? {} : { keyId: key }),
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(narrow === undefined ? {} : { narrow }),
    ...(headers === undefined ? {} : { headers }),
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Defined<T> {
  // Object.fromEntries loses the key types, which dropping undefined members does not change.
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}
