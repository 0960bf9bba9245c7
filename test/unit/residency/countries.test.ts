import { expect, test } from 'vitest'
import { COUNTRIES, isEuMember } from '../../../shared/residency/countries.ts'

test('there are the 249 codes of the standard, and Kosovo', () => {
  expect(COUNTRIES.size).toBe(250)
  for (const code of COUNTRIES) expect(code).toMatch(/^[A-Z]{2}$/)
})

test('each is known to the Unicode tables by name, and what is not a country is not listed', () => {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  for (const code of COUNTRIES) expect([code, names.of(code)]).toEqual([code, expect.any(String)])
  for (const code of ['T1', 'XX', 'UK', 'EL', 'EU', 'UN', 'ZZ', 'AA', 'SU', '', 'de']) {
    expect(COUNTRIES.has(code)).toBe(false)
  }
})

test('34 of them are in the European Union: 27 states, and 7 of their territories', () => {
  const members = [...COUNTRIES].filter(isEuMember)
  expect(members.join(' ')).toBe(
    'AT AX BE BG CY CZ DE DK EE ES FI FR GF GP GR HR HU IE IT LT LU LV MF MQ MT NL PL PT RE RO SE SI SK YT',
  )
})

test.each([
  'GB',
  'CH',
  'NO',
  'IS',
  'LI',
  'GL',
  'FO',
  'NC',
  'PF',
  'BL',
  'AW',
  'CW',
  'GI',
  'MC',
  'XK',
  'UK',
  '',
])('%s is not', (code) => {
  expect(isEuMember(code)).toBe(false)
})
