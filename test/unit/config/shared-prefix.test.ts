import { expect, test } from 'vitest'
import { SEPARATES_TENANTS } from '../../../shared/config/check-shared-prefix.ts'
import { adapters } from '../../../workers/adapters/index.ts'

test('the check and the adapters agree on which dialects keep tenants apart', () => {
  const ofAdapters = Object.values(adapters).map(({ dialect, separatesTenants }) => [
    dialect,
    separatesTenants,
  ])
  expect(Object.fromEntries(ofAdapters)).toEqual(SEPARATES_TENANTS)
})
