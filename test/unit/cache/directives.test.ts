import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CacheDirectives, CacheHeaders } from '../../../shared/cache/directives.ts'
import { parseCacheDirectives } from '../../../shared/cache/directives.ts'

const plain: CacheDirectives = { read: true, onlyIfCached: false }
const control = (value: string): CacheHeaders => ({ 'cache-control': value })

test.each<[string, CacheHeaders, Partial<CacheDirectives>]>([
  ['nothing', {}, {}],
  ['on', { 'x-mesh-cache': 'on' }, {}],
  ['off', { 'x-mesh-cache': 'off' }, { read: false, bypass: 'off' }],
  ['refresh', { 'x-mesh-cache': 'refresh' }, { read: false }],
  ['only', { 'x-mesh-cache': 'only' }, { onlyIfCached: true }],
  ['another spelling', { 'x-mesh-cache': ' OFF ' }, { read: false, bypass: 'off' }],
  ['a ttl', { 'x-mesh-cache-ttl': '60' }, { ttlSeconds: 60 }],
  ['no-cache', control('no-cache'), { read: false }],
  ['no-store', control('no-store'), { read: false, bypass: 'no_store' }],
  ['only-if-cached', control('only-if-cached'), { onlyIfCached: true }],
  ['max-age', control('max-age=30'), { maxAgeSeconds: 30 }],
  ['a quoted max-age', control('max-age="30"'), { maxAgeSeconds: 30 }],
  ['max-age zero, as browsers send it', control('max-age=0'), { maxAgeSeconds: 0 }],
  ['two max-ages, of which the stricter counts', control('max-age=30, max-age=90'), { maxAgeSeconds: 30 }],
  ['several directives', control('No-Cache , max-age=5'), { read: false, maxAgeSeconds: 5 }],
  ['unknown directives', control('no-transform, max-stale=5, constructor, x="a,b"'), {}],
  ['an empty list', control(''), {}],
  [
    'on beside no-store',
    { 'x-mesh-cache': 'on', ...control('no-store') },
    { read: false, bypass: 'no_store' },
  ],
  ['off beside no-cache', { 'x-mesh-cache': 'off', ...control('no-cache') }, { read: false, bypass: 'off' }],
  [
    'refresh beside only-if-cached, which nothing can satisfy',
    { 'x-mesh-cache': 'refresh', ...control('only-if-cached') },
    { read: false, onlyIfCached: true },
  ],
])('%s', (_name, headers, changes) => {
  expect(parseCacheDirectives(headers)).toEqual({ ok: true, value: { ...plain, ...changes } })
})

describe('what cannot be read is refused, and not repeated', () => {
  test.each<[string, CacheHeaders, string]>([
    ['an unknown word', { 'x-mesh-cache': 'SECRET' }, 'x-mesh-cache'],
    ['an inherited name', { 'x-mesh-cache': 'constructor' }, 'x-mesh-cache'],
    ['an empty word', { 'x-mesh-cache': '' }, 'x-mesh-cache'],
    ['two words', { 'x-mesh-cache': 'on, off' }, 'x-mesh-cache'],
    ['a ttl that is no number', { 'x-mesh-cache-ttl': 'SECRET' }, 'x-mesh-cache-ttl'],
    ['a negative ttl', { 'x-mesh-cache-ttl': '-1' }, 'x-mesh-cache-ttl'],
    ['a ttl of zero', { 'x-mesh-cache-ttl': '0' }, 'x-mesh-cache-ttl'],
    ['a fraction', { 'x-mesh-cache-ttl': '1.5' }, 'x-mesh-cache-ttl'],
    ['a ttl beyond counting', { 'x-mesh-cache-ttl': '9'.repeat(400) }, 'x-mesh-cache-ttl'],
    ['a max-age that is no number', control('max-age=SECRET'), 'cache-control'],
    ['a max-age without a number', control('max-age'), 'cache-control'],
  ])('%s', (_name, headers, header) => {
    const result = parseCacheDirectives(headers)
    expect(result).toMatchObject({ ok: false, error: { reason: 'invalid_header', header } })
    expect(JSON.stringify(result)).not.toContain('SECRET')
  })
})

test('no further directive ever allows what the others forbid', () => {
  const directive = fc.constantFrom('no-cache', 'no-store', 'only-if-cached', 'max-age=9', 'max-age=5', 'x')
  fc.assert(
    fc.property(fc.array(directive), directive, (some, extra) => {
      const fewer = parseCacheDirectives(control(some.join(', ')))
      const more = parseCacheDirectives(control([...some, extra].join(', ')))
      if (!fewer.ok || !more.ok) throw new Error('these can all be read')
      expect(fewer.value.read || !more.value.read).toBe(true)
      expect(more.value.onlyIfCached || !fewer.value.onlyIfCached).toBe(true)
      expect(more.value.maxAgeSeconds ?? Infinity).toBeLessThanOrEqual(fewer.value.maxAgeSeconds ?? Infinity)
    }),
  )
})
