import { expect, test } from 'vitest'
import { cacheScopeOf } from '../../../shared/cache/scope.ts'
import { aMesh, firstTenant } from '../residency/a-mesh.ts'

test.each([
  ['tenant', 'u', { kind: 'tenant' }],
  ['key', 'u', { kind: 'key', id: 'k1' }],
  ['user', 'u', { kind: 'user', id: 'u' }],
  ['user', undefined, { kind: 'user', id: '' }],
])('scope %s of user %s', (scope, user, expected) => {
  const tenant = firstTenant(aMesh({ tenants: [{ id: 't', floor: { anywhere: true }, cache: { scope } }] }))
  expect(cacheScopeOf(tenant, { keyId: 'k1', user })).toEqual(expected)
})
