/** Laws of the residency verdict, against a deliberately naive second reading of its documentation. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { homeOf, worldHomeOf } from '../../../shared/residency/home.ts'
import { intersect, place, type Placement } from '../../../shared/residency/place.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { naiveVerdict, type NaiveRequest } from '../../support/naive-residency.ts'
import { aMesh, firstTenant, must } from './a-mesh.ts'
import { aMode, aPolicy, aRequest, aRule, HEADER_NAMES, inputOf, maybe } from './policies.ts'

const RUNS = 10_000
/** Seconds on a quiet machine. */
const PATIENT = { timeout: 60_000 }
const LAXITY = ['none', 'home', 'anywhere']

function placed(mesh: MeshConfig, asked: NaiveRequest): Placement | undefined {
  const result = place(inputOf(mesh, asked))
  return result.ok ? result.value : undefined
}

function allowedBy(placement: Placement | undefined): string[] {
  return placement?.pools.map(({ pool }) => pool.id) ?? []
}

/** Nothing that the narrower one allows, of pools, places and time of storage, is anything but allowed by the wider one. */
function expectWithin(narrower: Placement | undefined, wider: Placement | undefined): void {
  if (narrower === undefined) return
  const widest = must(wider)
  expect(allowedBy(widest)).toEqual(expect.arrayContaining(allowedBy(narrower)))
  expect(LAXITY.indexOf(narrower.storage)).toBeLessThanOrEqual(LAXITY.indexOf(widest.storage))
  expect(widest.storageRegions.map(({ id }) => id)).toEqual(
    expect.arrayContaining(narrower.storageRegions.map(({ id }) => id)),
  )
  if (widest.restricted) expect(narrower.restricted).toBe(true)
  expect(narrower.retentionSeconds ?? Infinity).toBeLessThanOrEqual(widest.retentionSeconds ?? Infinity)
}

test('allows exactly the pools, the storage and the homes that a naive reading allows', PATIENT, () => {
  const seen = { refused: 0, partial: 0, preferred: 0, none: 0, home: 0, anywhere: 0, homeless: 0 }
  fc.assert(
    fc.property(aPolicy, aRequest, aMode, fc.nat(3), (mesh, asked, mode, edge) => {
      const naive = naiveVerdict(mesh, asked, mode)
      const placement = placed(mesh, asked)
      expect(allowedBy(placement)).toEqual(naive.pools)
      if (placement === undefined) {
        seen.refused += 1
        return
      }
      expect(placement.storage).toBe(naive.storage)
      const preferred = placement.pools.filter(({ isPreferred }) => isPreferred)
      expect(preferred.map(({ pool }) => pool.id)).toEqual(naive.preferred)
      const homes = [
        homeOf(placement, must(mesh.regions[edge]), mode),
        worldHomeOf(placement, `log ${edge}`, mode),
      ]
      for (const home of homes) {
        if (home === undefined) continue
        expect(naive.homes).toContain(home.region)
        expect(home.enforceJurisdiction).toBe(placement.restricted)
      }
      // A place where it may be stored is found if there is one.
      if (placement.restricted) expect(homes[0] === undefined).toBe(naive.homes.length === 0)

      if (naive.pools.length < mesh.pools.length) seen.partial += 1
      if (preferred.length > 0) seen.preferred += 1
      if (homes[0] === undefined) seen.homeless += 1
      seen[naive.storage] += 1
    }),
    { numRuns: RUNS },
  )
  // The comparison means something only if every kind of answer is common.
  for (const [kind, count] of Object.entries(seen)) expect([kind, count > RUNS / 50]).toEqual([kind, true])
})

test('no further rule ever adds a pool or loosens storage', PATIENT, () => {
  fc.assert(
    fc.property(aPolicy, aRequest, aRule, fc.nat(3), (mesh, asked, extra, at) => {
      const rules = mesh.rules.toSpliced(at, 0, {
        ...must(aMesh({ rules: [{ id: 'extra', ...extra }] }).rules[0]),
      })
      expectWithin(placed({ ...mesh, rules }, asked), placed(mesh, asked))
    }),
    { numRuns: RUNS },
  )
})

test('no further header ever adds a pool or loosens storage', PATIENT, () => {
  const words = fc.array(fc.constantFrom('eu', 'us', 'r0', 'p1', 'mars'), { maxLength: 2 })
  fc.assert(
    fc.property(
      aPolicy,
      aRequest,
      maybe(words),
      fc.constantFrom(...HEADER_NAMES),
      fc.constantFrom('radiology', 'oncology', 'Legal', 'other', ''),
      (mesh, asked, narrow, name, value) => {
        const { narrow: _narrow, ...bare } = asked
        const there = asked.headers?.[name]
        // As a second line of the same name reads, or the only one.
        const headers = { ...asked.headers, [name]: typeof there === 'string' ? `${there}, ${value}` : value }
        const more = { ...bare, headers, ...(narrow === undefined ? {} : { narrow }) }
        expectWithin(placed(mesh, more), placed(mesh, bare))
      },
    ),
    { numRuns: RUNS },
  )
})

test('knowing less about a request never adds a pool or loosens storage', PATIENT, () => {
  const facts = ['country', 'continent', 'colo', 'host', 'dataClass', 'key', 'headers'] as const
  fc.assert(
    fc.property(aPolicy, aRequest, fc.constantFrom(...facts), (mesh, asked, forgotten) => {
      const { [forgotten]: _forgotten, ...less } = asked
      // An unknown key may claim what every key may, and so may this one if it is a key at all.
      if (forgotten === 'key' && !firstTenant(mesh).keys.some(({ id }) => id === asked.key)) return
      expectWithin(placed(mesh, less), placed(mesh, asked))
    }),
    { numRuns: RUNS },
  )
})

test('what two placements both allow is within each of them', PATIENT, () => {
  fc.assert(
    fc.property(aPolicy, aRequest, aRequest, (mesh, one, other) => {
      const placements = [placed(mesh, one), placed(mesh, other)] as const
      if (placements[0] === undefined || placements[1] === undefined) return
      const both = intersect(placements[0], placements[1])
      const common = allowedBy(placements[0]).filter((id) => allowedBy(placements[1]).includes(id))
      expect(both.ok ? allowedBy(both.value) : []).toEqual(common)
      if (!both.ok) return
      for (const placement of placements) expectWithin(both.value, placement)
    }),
    { numRuns: 3000 },
  )
})

test('no placement has a pool, a jurisdiction or a storage region outside the floor', PATIENT, () => {
  fc.assert(
    fc.property(aPolicy, aRequest, (mesh, asked) => {
      const { floor } = firstTenant(mesh)
      const placement = placed(mesh, asked)
      if (placement === undefined || 'anywhere' in floor) return
      const { pools, jurisdictions, storageRegions, restricted, storage } = placement
      expect(restricted).toBe(true)
      expect(storage).not.toBe('anywhere')
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
    { numRuns: 3000 },
  )
})
