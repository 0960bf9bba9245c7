import { expect, test } from 'vitest'
import type { Arrival } from '../../../shared/residency/arrival.ts'
import { edgeRegionOf, jurisdictionOfArrival } from '../../../shared/residency/arrival.ts'
import { REGIONS, aMesh } from './a-mesh.ts'

const { regions } = aMesh()
const host = 'mesh.example'
const nearSingapore = { latitude: 3.1, longitude: 101.7 }

test.each<[string, Omit<Arrival, 'host'>, string]>([
  ['a listed data centre', { colo: 'IAD' }, 'us-east'],
  ['a listed data centre, whatever the coordinates', { colo: 'AMS', ...nearSingapore }, 'eu-central'],
  ['an unlisted data centre with coordinates', { colo: 'KUL', ...nearSingapore }, 'ap-southeast'],
  ['coordinates alone', nearSingapore, 'ap-southeast'],
  ['half of the coordinates', { latitude: 3.1 }, 'eu-central'],
  ['coordinates that are not numbers', { latitude: Number.NaN, longitude: Number.NaN }, 'eu-central'],
  ['coordinates that are nowhere', { latitude: 500, longitude: 101.7 }, 'eu-central'],
  ['nothing', {}, 'eu-central'],
])('a request with %s is near %s', (_name, arrival, region) => {
  expect(edgeRegionOf({ host, ...arrival }, regions).id).toBe(region)
})

test.each<[string, Omit<Arrival, 'host'>, string | undefined]>([
  ['a listed data centre', { colo: 'IAD' }, 'us'],
  ['an unlisted data centre', { colo: 'KUL' }, undefined],
  ['an unlisted data centre near a region', { colo: 'KUL', ...nearSingapore }, undefined],
  ['a lower-case data centre', { colo: 'iad' }, undefined],
  ['no data centre', { country: 'DE', continent: 'EU' }, undefined],
])('the jurisdiction of %s is %s', (_name, arrival, jurisdiction) => {
  expect(jurisdictionOfArrival({ host, ...arrival }, regions)).toBe(jurisdiction)
})

test('a data centre listed under two jurisdictions has none', () => {
  const torn = aMesh({ regions: REGIONS.map((region) => ({ ...region, colos: ['FRA'] })) }).regions
  expect(jurisdictionOfArrival({ host, colo: 'FRA' }, torn)).toBeUndefined()
})

test('a mesh without regions is a broken invariant', () => {
  expect(() => edgeRegionOf({ host }, [])).toThrow()
})
