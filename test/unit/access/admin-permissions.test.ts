/** Every path of the administration asks for its permission, and one that is not listed for the admin token. */
import { expect, test } from 'vitest'
import { neededPermission } from '../../../shared/access/admin-permissions.ts'

test.each([
  ['GET', '/pools', { permission: 'see' }],
  ['HEAD', '/pools', { permission: 'see' }],
  ['GET', '/pools/', { permission: 'see' }],
  ['POST', '/pools/eu-1/drain', { permission: 'operate' }],
  ['POST', '/tenants/eu-bank/purge', { permission: 'manage', tenant: 'eu-bank' }],
  ['GET', '/tenants/eu-bank/audit', { permission: 'audit', tenant: 'eu-bank' }],
  ['GET', '/tenants/eu-bank/audit/export', { permission: 'audit', tenant: 'eu-bank' }],
])('%s %s needs %j', (method, path, needed) => {
  expect(neededPermission(method, path)).toEqual(needed)
})

test.each([
  ['POST', '/pools'],
  ['GET', '/pools/eu-1/drain'],
  ['POST', '/pools/eu-1/drain/now'],
  ['POST', '/tenants/purge'],
  ['GET', ''],
  ['GET', '/unknown'],
])('%s %s is the admin token’s alone', (method, path) => {
  expect(neededPermission(method, path)).toBeUndefined()
})
