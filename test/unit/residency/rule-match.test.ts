import { expect, test } from 'vitest'
import type { Arrival } from '../../../shared/residency/arrival.ts'
import { matchesRule } from '../../../shared/residency/rule-match.ts'
import { aMesh, firstModel, firstTenant, must } from './a-mesh.ts'

interface Asked extends Omit<Arrival, 'host'> {
  readonly dataClass?: string
}

function matches(match: object, { dataClass, ...where }: Asked): boolean {
  const config = aMesh({
    tenants: [{ id: 't', floor: { anywhere: true }, data_classes: ['health', 'public'] }],
    rules: [{ id: 'r', match, only: { jurisdictions: ['eu'] } }],
  })
  return matchesRule(must(config.rules[0]), {
    tenant: firstTenant(config),
    model: firstModel(config),
    arrival: { host: 'h', ...where },
    ...(dataClass === undefined ? {} : { dataClass }),
  })
}

test.each<[string, object, Asked, boolean]>([
  ['without conditions', {}, {}, true],
  ['for this tenant', { tenants: ['t'] }, {}, true],
  ['for another tenant', { tenants: ['u'] }, {}, false],
  ['for this model', { models: ['n', 'm'] }, {}, true],
  ['for another model', { models: ['n'] }, {}, false],
  ['for this country', { countries: ['DE'] }, { country: 'DE' }, true],
  ['for another country', { countries: ['DE'] }, { country: 'US' }, false],
  ['for a country, from nowhere', { countries: ['DE'] }, {}, true],
  ['for a country, from Tor', { countries: ['DE'] }, { country: 'T1' }, true],
  ['for a country, from unknown', { countries: ['DE'] }, { country: 'XX' }, true],
  ['for a country, from nonsense', { countries: ['DE'] }, { country: 'us' }, true],
  ['for this continent', { continents: ['EU'] }, { continent: 'EU' }, true],
  ['for another continent', { continents: ['EU'] }, { continent: 'AS' }, false],
  ['for a continent, from a known country of none', { continents: ['EU'] }, { country: 'US' }, true],
  ['for a continent, from nonsense', { continents: ['EU'] }, { continent: 'ZZ' }, true],
  ['for this data centre', { colos: ['FRA'] }, { colo: 'FRA' }, true],
  ['for another data centre', { colos: ['FRA'] }, { colo: 'IAD' }, false],
  ['for a data centre, at none', { colos: ['FRA'] }, {}, true],
  ['for a data centre, at nonsense', { colos: ['FRA'] }, { colo: 'iad' }, true],
  ['for this data class', { data_classes: ['health'] }, { dataClass: 'health' }, true],
  ['for another class that may be claimed', { data_classes: ['health'] }, { dataClass: 'public' }, false],
  [
    'for a class, against a claim that is not allowed',
    { data_classes: ['health'] },
    { dataClass: 'internal' },
    true,
  ],
  ['for a class, without a claim', { data_classes: ['health'] }, {}, true],
  ['whose other condition fails', { countries: ['DE'], models: ['n'] }, { country: 'DE' }, false],
  ['whose other condition is unknown', { countries: ['DE'], models: ['m'] }, {}, true],
])('a rule %s', (_name, match, asked, expected) => {
  expect(matches(match, asked)).toBe(expected)
})
