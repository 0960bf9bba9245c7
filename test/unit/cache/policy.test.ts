import { describe, expect, test } from 'vitest'
import type { CacheDirectives } from '../../../shared/cache/directives.ts'
import { cachePolicy } from '../../../shared/cache/policy.ts'
import { aMesh, firstModel, firstTenant } from '../residency/a-mesh.ts'

interface Case {
  readonly model?: object
  readonly tenant?: object
  readonly body?: Record<string, unknown>
  readonly directives?: Partial<CacheDirectives>
}

/** `share N` with the seconds, or the reason why not. */
function decide({ model = {}, tenant = {}, body = { temperature: 0 }, directives = {} }: Case): string {
  const config = aMesh({
    models: [{ id: 'm', context_length: 8, cache: model }],
    tenants: [{ id: 't', floor: { anywhere: true }, cache: tenant }],
  })
  const policy = cachePolicy({
    model: firstModel(config),
    tenant: firstTenant(config),
    body,
    directives: { read: true, onlyIfCached: false, ...directives },
  })
  return policy.share ? `share ${policy.ttlSeconds}` : policy.reason
}

test.each<[string, Case, string]>([
  ['temperature 0', {}, 'share 3600'],
  ['temperature 0.0001', { body: { temperature: 0.0001 } }, 'sampled'],
  ['no temperature', { body: {} }, 'sampled'],
  ['temperature null', { body: { temperature: null } }, 'sampled'],
  ['a seed', { body: { temperature: 1, seed: 7 } }, 'share 3600'],
  ['the seed 0', { body: { seed: 0 } }, 'share 3600'],
  ['the seed null', { body: { seed: null } }, 'sampled'],
  ['a model that always shares', { model: { mode: 'always' }, body: {} }, 'share 3600'],
  ['a model that never shares', { model: { mode: 'off' } }, 'policy'],
  ['a tenant that always shares', { tenant: { mode: 'always' }, body: {} }, 'share 3600'],
  ['a tenant that never shares', { model: { mode: 'always' }, tenant: { mode: 'off' } }, 'policy'],
  [
    'a tenant that shares where the model does not',
    { model: { mode: 'off' }, tenant: { mode: 'deterministic' } },
    'share 3600',
  ],
  ["the model's time", { model: { ttl_seconds: 60 } }, 'share 60'],
  ["the tenant's time", { model: { ttl_seconds: 60 }, tenant: { ttl_seconds: 90 } }, 'share 90'],
  ['a client that shortens it', { directives: { ttlSeconds: 5 } }, 'share 5'],
  ['a client that would lengthen it', { directives: { ttlSeconds: 99_999 } }, 'share 3600'],
  ['a client that switches it off', { directives: { read: false, bypass: 'off' } }, 'off'],
  ['a client that forbids storing', { directives: { read: false, bypass: 'no_store' } }, 'no_store'],
  ['a client that refreshes', { directives: { read: false } }, 'share 3600'],
  ['a client that wants only what is cached', { directives: { onlyIfCached: true } }, 'share 3600'],
  [
    'a client that asks for what the operator forbids',
    { model: { mode: 'off' }, directives: { bypass: 'off' } },
    'off',
  ],
])('%s', (_name, input, expected) => {
  expect(decide(input)).toBe(expected)
})

describe('content that lies elsewhere is not shared', () => {
  const data = 'data:image/png;base64,AAAA'
  test.each<[string, unknown, string]>([
    ['plain text', 'https://example.com/is-only-text', 'share 3600'],
    ['a text part', [{ type: 'text', text: 'https://example.com' }], 'share 3600'],
    ['no content', null, 'share 3600'],
    ['an inline image', [{ type: 'image_url', image_url: { url: data } }], 'share 3600'],
    [
      'an inline image in capitals',
      [{ type: 'image_url', image_url: { url: 'DATA:image/png,A' } }],
      'share 3600',
    ],
    [
      'an image behind a URL',
      [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }],
      'url_content',
    ],
    [
      'an image behind a bare URL',
      [{ type: 'image_url', image_url: 'https://example.com/a.png' }],
      'url_content',
    ],
    ['an image with a URL that is none', [{ type: 'image_url', image_url: { url: 7 } }], 'url_content'],
    [
      'a video after text',
      [
        { type: 'text', text: 'x' },
        { type: 'video_url', video_url: { url: 'http://x/v' } },
      ],
      'url_content',
    ],
    ['inline audio', [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }], 'share 3600'],
    ['an inline file', [{ type: 'file', file: { file_data: data, filename: 'a.pdf' } }], 'share 3600'],
    ['a file by its id', [{ type: 'file', file: { file_id: 'file-1' } }], 'url_content'],
  ])('%s', (_name, content, expected) => {
    const messages = [
      { role: 'system', content: 'x' },
      { role: 'user', content },
    ]
    expect(decide({ body: { temperature: 0, messages } })).toBe(expected)
  })

  test('a body without messages has none', () => {
    expect(decide({ body: { temperature: 0, prompt: 'x' } })).toBe('share 3600')
  })
})
