import { describe, expect, test } from 'vitest'
import { SEPARATES_TENANTS } from '../../../shared/config/check-shared-prefix.ts'
import { adapters } from '../../../workers/adapters/index.ts'

describe.each(Object.values(adapters))(
  'a pool of the dialect $dialect',
  ({ dialect, fields, buildRequest }) => {
    test('keeps tenants apart if every prompt that it gets carries our salt, and only then', () => {
      const salts = (['chat', 'completions'] as const)
        .filter((surface) => fields[surface].size > 0)
        .map((surface) => {
          const body = surface === 'chat' ? { messages: [] } : { prompt: 'Once' }
          const request = {
            surface,
            body,
            servedModel: 'm',
            cacheSalt: 'salt-of-tenant',
            isContinuation: false,
          }
          const sent = JSON.parse(buildRequest(request).body) as Record<string, unknown>
          return sent['cache_salt']
        })
      expect(salts.every((salt) => salt === 'salt-of-tenant')).toBe(SEPARATES_TENANTS[dialect])
    })
  },
)
