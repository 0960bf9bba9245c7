import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { homeIn, homeOf, mayHaveHome, worldHomeOf } from '../../../shared/residency/home.ts'
import { place } from '../../../shared/residency/place.ts'
import { aMesh, firstModel, firstTenant, must } from './a-mesh.ts'

const cloudflare: MeshMode = { kind: 'cloudflare' }
const dev: MeshMode = { kind: 'dev' }
const single = (jurisdiction: string): MeshMode => ({ kind: 'single', jurisdiction })
const anywhere = { anywhere: true }
const only = (...jurisdictions: string[]) => ({ jurisdictions })

function placementFor(floor: object, limits: object = {}) {
  const config = aMesh({ tenants: [{ id: 't', floor, ...limits }] })
  const tenant = firstTenant(config)
  const result = place({ config, tenant, model: firstModel(config), arrival: { host: 'h' } })
  return must(result.ok ? result.value : undefined)
}

function edge(id: string) {
  return must(aMesh().regions.find((region) => region.id === id))
}

test.each<[string, object, string, MeshMode, string | undefined]>([
  ['anywhere', anywhere, 'eu-central', cloudflare, 'eu-central'],
  ['anywhere', anywhere, 'ap-southeast', cloudflare, 'ap-southeast'],
  ['eu', only('eu'), 'eu-central', cloudflare, 'eu-central enforced'],
  ['eu', only('eu'), 'ap-southeast', cloudflare, 'eu-central enforced'],
  ['eu and us', only('eu', 'us'), 'us-east', cloudflare, 'us-east enforced'],
  ['eu and us', only('eu', 'us'), 'ap-southeast', cloudflare, 'eu-central enforced'],
  ['sg, which Cloudflare cannot enforce', only('sg'), 'ap-southeast', cloudflare, undefined],
  ['sg and us', only('sg', 'us'), 'ap-southeast', cloudflare, 'us-east enforced'],
  ['anywhere', anywhere, 'eu-central', single('eu'), 'eu-central'],
  ['anywhere', anywhere, 'us-east', single('eu'), 'eu-central'],
  ['anywhere', anywhere, 'us-east', single('ch'), undefined],
  ['eu', only('eu'), 'eu-central', single('eu'), 'eu-central enforced'],
  ['eu', only('eu'), 'us-east', single('us'), undefined],
  ['eu and us', only('eu', 'us'), 'eu-central', single('us'), 'us-east enforced'],
  ['sg', only('sg'), 'ap-southeast', single('sg'), 'ap-southeast enforced'],
  ['anywhere', anywhere, 'ap-southeast', dev, 'ap-southeast'],
  ['sg', only('sg'), 'eu-central', dev, 'ap-southeast enforced'],
])('the home of %s (%o) from %s under %o is %s', (_name, floor, edgeId, mode, expected) => {
  const home = homeOf(placementFor(floor), edge(edgeId), mode)
  const text = home && `${home.region}${home.enforceJurisdiction ? ' enforced' : ''}`
  expect(text).toBe(expected)
})

test('a home carries its jurisdiction and the hint of its region', () => {
  expect(homeOf(placementFor(only('eu')), edge('us-east'), cloudflare)).toEqual({
    region: 'eu-central',
    jurisdiction: 'eu',
    locationHint: 'weur',
    enforceJurisdiction: true,
  })
})

test('what may not be stored has no home', () => {
  for (const floor of [anywhere, only('eu')]) {
    const placement = placementFor(floor, { storage: 'none' })
    for (const mode of [cloudflare, dev, single('eu')]) {
      expect(homeOf(placement, edge('eu-central'), mode)).toBeUndefined()
      expect(worldHomeOf(placement, 'a log', mode)).toBeUndefined()
    }
  }
})

test('what may be stored at home only has the home that it would have without that', () => {
  const placement = placementFor(anywhere, { storage: 'home' })
  expect(homeOf(placement, edge('us-east'), cloudflare)).toMatchObject({
    region: 'us-east',
    enforceJurisdiction: false,
  })
})

test.each<[string, object, object, boolean, boolean]>([
  ['anywhere', anywhere, {}, false, true],
  ['in the EU, and enforced there', only('eu'), {}, true, true],
  ['in the EU, where nobody enforces it', only('eu'), {}, false, false],
  ['in the US only', only('us'), {}, true, false],
  ['nowhere', anywhere, { storage: 'none' }, false, false],
])(
  'a home in the EU that another chose is allowed to what may be %s (%o)',
  (_name, floor, limits, isEnforced, expected) => {
    const home = { region: 'eu-central', jurisdiction: 'eu', enforceJurisdiction: isEnforced }
    expect(mayHaveHome(placementFor(floor, limits), home)).toBe(expected)
  },
)

test('what belongs to no request lives in the first region of its own that can keep it', () => {
  const regions = placementFor(anywhere).storageRegions
  const sgFirst = regions.toSorted((a, b) => b.jurisdiction.localeCompare(a.jurisdiction))
  expect(homeIn(sgFirst, false, cloudflare)?.region).toBe(sgFirst[0]?.id)
  // Cloudflare enforces eu and us, and not the others.
  expect(['eu', 'us']).toContain(homeIn(sgFirst, true, cloudflare)?.jurisdiction)
  expect(
    homeIn(
      regions.filter(({ jurisdiction }) => jurisdiction === 'sg'),
      true,
      cloudflare,
    ),
  ).toBeUndefined()
  expect(homeIn(regions, true, { kind: 'single', jurisdiction: 'eu' })?.jurisdiction).toBe('eu')
})

test('the home of a restricted placement is always in one of its own jurisdictions and enforced', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom('eu', 'us', 'sg'), { minLength: 1 }),
      fc.constantFrom('eu-central', 'us-east', 'ap-southeast'),
      fc.constantFrom(cloudflare, dev, single('eu'), single('us'), single('sg')),
      (jurisdictions, edgeId, mode) => {
        const placement = placementFor(only(...jurisdictions))
        const home = homeOf(placement, edge(edgeId), mode)
        if (home === undefined) return
        expect(jurisdictions).toContain(home.jurisdiction)
        expect(home.enforceJurisdiction).toBe(true)
        if (mode.kind === 'single') expect(home.jurisdiction).toBe(mode.jurisdiction)
        if (mode.kind === 'cloudflare') expect(['eu', 'us']).toContain(home.jurisdiction)
      },
    ),
  )
})
