/** A grant holds for the claim it names and no other reading of it. */
import { describe, expect, test } from 'vitest'
import { clientTenant, grantsThatHold } from '../../../shared/access/granted.ts'
import type { OidcGrant } from '../../../shared/schema/config-oidc.ts'

const OPERATORS: OidcGrant = { claim: 'groups', value: 'ops', role: 'operator' }

describe('a grant holds', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['for a text', 'groups', { groups: 'ops' }],
    ['for one text of a list', 'groups', { groups: ['dev', 'ops'] }],
    ['inside an object', 'realm.roles', { realm: { roles: ['ops'] } }],
    ['for a name with dots', 'https://a.test/groups', { 'https://a.test/groups': ['ops'] }],
  ])('%s', (_name, claim, claims) => {
    expect(grantsThatHold([{ ...OPERATORS, claim }], claims)).toHaveLength(1)
  })
})

describe('it does not hold', () => {
  test.each<[string, string, Record<string, unknown>]>([
    ['for a part of a text', 'groups', { groups: 'ops-eu' }],
    ['for texts in one text', 'groups', { groups: 'dev,ops' }],
    ['for an object of that name', 'groups', { groups: { ops: true } }],
    ['for what a prototype has', 'constructor.name', { value: 'Object' }],
    ['without the claim', 'groups', {}],
  ])('%s', (_name, claim, claims) => {
    expect(grantsThatHold([{ ...OPERATORS, claim }], claims)).toEqual([])
  })
})

test('a client is of one tenant; of none where grants name two', () => {
  const of = (...tenants: string[]): OidcGrant[] =>
    tenants.map((tenant) => ({ ...OPERATORS, role: 'client', tenant }))
  expect(clientTenant(of('demo'))).toBe('demo')
  expect(clientTenant(of('demo', 'demo'))).toBe('demo')
  expect(clientTenant(of('demo', 'eu-bank'))).toBeUndefined()
  expect(clientTenant([OPERATORS])).toBeUndefined()
})
