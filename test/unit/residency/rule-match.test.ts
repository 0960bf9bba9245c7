import { expect, test } from 'vitest'
import type { Arrival } from '../../../shared/residency/arrival.ts'
import type { HeaderFacts } from '../../../shared/residency/header-facts.ts'
import { conditionsOf, holds } from '../../../shared/residency/rule-match.ts'
import { aMesh, firstModel, firstTenant, must } from './a-mesh.ts'

interface Asked extends Partial<Arrival> {
  readonly dataClass?: string
  readonly keyId?: string
  readonly headers?: HeaderFacts
}

const KEYS = [
  { id: 'all', sha256: 'a'.repeat(64) },
  { id: 'careful', sha256: 'b'.repeat(64), data_classes: ['health'] },
  { id: 'none', sha256: 'c'.repeat(64), data_classes: [] },
]

function matches(match: object, { dataClass, keyId = 'all', headers, ...where }: Asked): boolean {
  const config = aMesh({
    tenants: [{ id: 't', floor: { anywhere: true }, data_classes: ['health', 'public'], keys: KEYS }],
    rules: [{ id: 'r', match, only: { jurisdictions: ['eu'] } }],
  })
  const conditions = conditionsOf(must(config.rules[0]), {
    tenant: firstTenant(config),
    model: firstModel(config),
    arrival: { host: 'h', ...where },
    keyId,
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(headers === undefined ? {} : { headers }),
  })
  return holds(conditions)
}

const HEALTH = { data_classes: ['health'] }
const RADIOLOGY = { headers: [{ name: 'x-department', values: ['radiology', 'MRI 2'] }] }
const says = (text: string | null): Asked => ({ headers: { 'x-department': text } })

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
  [
    'for a class, against another that the key may not claim',
    HEALTH,
    { dataClass: 'public', keyId: 'careful' },
    true,
  ],
  [
    'for a class, against another that the key may claim',
    HEALTH,
    { dataClass: 'public', keyId: 'all' },
    false,
  ],
  ['for a class, with a key that may claim none', HEALTH, { dataClass: 'public', keyId: 'none' }, true],
  ['for a class, with a key that nobody knows', HEALTH, { dataClass: 'public', keyId: 'gone' }, true],
  ['for a country, from a code that no country has', { countries: ['DE'] }, { country: 'UK' }, true],
  ['for a country, from Kosovo', { countries: ['DE'] }, { country: 'XK' }, false],
  ['for the EU, from France', { eu_member: true }, { country: 'FR' }, true],
  ['for the EU, from Guadeloupe', { eu_member: true }, { country: 'GP' }, true],
  ['for the EU, from Åland', { eu_member: true }, { country: 'AX' }, true],
  ['for the EU, from Britain', { eu_member: true }, { country: 'GB' }, false],
  ['for the EU, from Switzerland', { eu_member: true }, { country: 'CH' }, false],
  ['for the EU, from Greenland', { eu_member: true }, { country: 'GL' }, false],
  ['for the EU, from Tor', { eu_member: true }, { country: 'T1' }, true],
  ['for the EU, from nowhere', { eu_member: true }, {}, true],
  ['for the EU, from an unknown country of Europe', { eu_member: true }, { continent: 'EU' }, true],
  ['for all but the EU, from France', { eu_member: false }, { country: 'FR' }, false],
  ['for all but the EU, from Britain', { eu_member: false }, { country: 'GB' }, true],
  ['for all but the EU, from nowhere', { eu_member: false }, {}, true],
  ['for this host', { hosts: ['eu.example'] }, { host: 'EU.example.:8443' }, true],
  ['for this host, spelt with a port', { hosts: ['eu.example:443'] }, { host: 'eu.example' }, true],
  ['for another host', { hosts: ['eu.example'] }, { host: 'us.example' }, false],
  ['for a host below it', { hosts: ['eu.example'] }, { host: 'x.eu.example' }, false],
  ['for a host, without one', { hosts: ['eu.example'] }, { host: '' }, true],
  ['for a host, with nonsense', { hosts: ['eu.example'] }, { host: 'a b' }, true],
  ['for a header that says so', RADIOLOGY, says('radiology'), true],
  ['for a header that says so among others', RADIOLOGY, says('surgery,  radiology , x'), true],
  ['for a header with the other value', RADIOLOGY, says('MRI 2'), true],
  ['for a header in other case', RADIOLOGY, says('Radiology'), false],
  ['for a header that says part of it', RADIOLOGY, says('radiology2'), false],
  ['for a header that is empty', RADIOLOGY, says(''), false],
  ['for a header that is not there', RADIOLOGY, says(null), false],
  ['for a header nobody looked at', RADIOLOGY, { headers: {} }, true],
  ['for a header, where nobody looked at any', RADIOLOGY, {}, true],
  [
    'for a header named like a member of objects',
    { headers: [{ name: 'constructor', values: ['a'] }] },
    { headers: {} },
    true,
  ],
  [
    'for two headers of which one says so',
    { headers: [...RADIOLOGY.headers, { name: 'x-case', values: ['legal'] }] },
    { headers: { 'x-department': 'radiology', 'x-case': null } },
    false,
  ],
  ['whose other condition fails', { countries: ['DE'], models: ['n'] }, { country: 'DE' }, false],
  ['whose other condition is unknown', { countries: ['DE'], models: ['m'] }, {}, true],
])('a rule %s', (_name, match, asked, expected) => {
  expect(matches(match, asked)).toBe(expected)
})

test('says of each condition whether it holds, and whether that is only because nothing is known', () => {
  const config = aMesh({
    rules: [
      {
        id: 'r',
        match: { countries: ['DE'], eu_member: true, colos: ['FRA'], ...RADIOLOGY },
        only: { jurisdictions: ['eu'] },
      },
    ],
  })
  const subject = {
    tenant: firstTenant(config),
    model: firstModel(config),
    headers: { 'x-department': null },
  }
  expect(conditionsOf(must(config.rules[0]), { ...subject, arrival: { host: 'h', country: 'FR' } })).toEqual([
    { on: 'countries', result: 'not_satisfied' },
    { on: 'eu_member', result: 'satisfied' },
    { on: 'colos', result: 'unknown' },
    { on: 'headers', header: 'x-department', result: 'not_satisfied' },
  ])
})
