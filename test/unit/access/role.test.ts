/** Each role may do its own part, of its own tenant, and nothing else. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPermitted, ROLES, type Permission, type Principal } from '../../../shared/access/role.ts'

const PERMISSIONS: readonly Permission[] = ['see', 'operate', 'manage', 'account', 'audit']

test.each<[Principal['role'], readonly Permission[]]>([
  ['root', ['see', 'operate', 'manage', 'account', 'audit']],
  ['viewer', ['see', 'account']],
  ['operator', ['see', 'operate', 'manage', 'account']],
  ['tenant-admin', ['manage', 'account', 'audit']],
  ['auditor', ['see', 'account', 'audit']],
])('%s may %j', (role, allowed) => {
  const may = PERMISSIONS.filter((permission) => isPermitted({ who: 'w', role }, permission, 'demo'))
  expect(may).toEqual(allowed)
})

test('whoever is bound to a tenant has no permission on another, nor on the mesh as a whole', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ROLES),
      fc.constantFrom(...PERMISSIONS),
      fc.option(fc.constantFrom('eu-bank', 'demo2'), { nil: undefined }),
      (role, permission, tenant) => {
        expect(isPermitted({ who: 'w', role, tenant: 'demo' }, permission, tenant)).toBe(false)
      },
    ),
  )
  expect(isPermitted({ who: 'w', role: 'auditor', tenant: 'demo' }, 'audit', 'demo')).toBe(true)
})
