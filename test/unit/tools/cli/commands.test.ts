import { describe, expect, test } from 'vitest'
import { run } from './a-world.ts'

const POOLS = {
  seen_from: 'eu-central',
  pools: [
    {
      id: 'eu-1',
      pending: 1,
      breaker: 'closed',
      first_token_ms: 41,
      region: {
        in_flight: 7,
        tokens_per_second: 1200,
        drained: false,
        breaker: 'closed',
        first_token_ms: 38,
        load: { running: 7, waiting: 2, kv_use: 0.4321, age_ms: 900 },
      },
    },
    { id: 'us-1', pending: 0, breaker: 'open', first_token_ms: null, region: null },
    {
      id: 'sg-1',
      pending: 0,
      breaker: 'closed',
      first_token_ms: null,
      region: {
        in_flight: 0,
        tokens_per_second: 0,
        drained: true,
        breaker: 'closed',
        first_token_ms: null,
        load: null,
      },
    },
  ],
}
const CONFIG = {
  version: 'abc123',
  mode: 'cloudflare',
  regions: [{ id: 'eu-central', jurisdiction: 'eu' }],
  models: ['story'],
  tenants: ['demo', 'eu-bank'],
}

describe('mesh pools', () => {
  test('lists what is known, and says of what is not that it is not', async () => {
    const { code, out, calls } = await run(['pools', 'list'], { answer: () => Response.json(POOLS) })
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'Seen from eu-central:',
      'POOL  STATE    IN FLIGHT  WAITING  TOKENS/S  KV USE  FIRST TOKEN MS',
      'eu-1  ok               7        2      1200    0.43              38',
      'us-1  failing          -        -         -       -               -',
      'sg-1  drained          0        -         0       -               -',
      '',
    ])
    expect(calls.map(({ method, url, token }) => [method, url, token])).toEqual([
      ['GET', 'https://mesh.example.com/admin/v1/pools', 'Bearer the-admin-token'],
    ])
  })

  test('gives programs what the mesh said', async () => {
    const { out } = await run(['pools', 'list', '--json'], { answer: () => Response.json(POOLS) })
    expect(JSON.parse(out)).toEqual(POOLS)
  })

  test.each([
    [
      'drain',
      'POST',
      true,
      'eu/1 is taken out. Within 8 s nothing new goes there; what runs there runs to its end.\n',
    ],
    ['undrain', 'DELETE', false, 'eu/1 is put back. Within 8 s it is asked again.\n'],
  ])('%s asks for it once', async (word, method, drained, line) => {
    const answer = () => Response.json({ pool: 'eu/1', drained, holds_within_ms: 7200 })
    const { out, calls } = await run(['pools', word, 'eu/1'], { answer })
    expect(out).toBe(line)
    expect(calls.map((call) => [call.method, call.url])).toEqual([
      [method, 'https://mesh.example.com/admin/v1/pools/eu%2F1/drain'],
    ])
  })
})

describe('mesh status', () => {
  const answer = ({ url }: { readonly url: string }) => {
    if (url.endsWith('/metrics')) return Response.json({ error: { code: 'not_found' } }, { status: 404 })
    return Response.json(url.endsWith('/config') ? CONFIG : POOLS)
  }

  test('shows config, regions and pools', async () => {
    const { code, out } = await run(['status'], { answer })
    expect(code).toBe(0)
    expect(out).toContain('config     abc123\n')
    expect(out).toContain('regions    eu-central (eu)\n')
    expect(out).toContain('eu-1  ok ')
  })

  test('shows what was shared and saved, where the mesh counts', async () => {
    const counts = [
      '# TYPE mesh_requests_total counter',
      'mesh_requests_total{region="eu-central",tenant="demo",outcome="completed"} 9',
      'mesh_requests_total{region="us-east",outcome="no_eligible_pool"} 1',
      'mesh_cache_outcomes_total{region="eu-central",model="a\\"b,c",outcome="hit"} 3',
      'mesh_cache_outcomes_total{region="eu-central",outcome="coalesced"} 1',
      'mesh_cache_outcomes_total{region="eu-central",outcome="miss"} 4',
      'mesh_cache_outcomes_total{region="eu-central",outcome="resumed"} 100',
      'mesh_tokens_computed_total{region="eu-central",type="input"} 600',
      'mesh_tokens_cached_total{region="eu-central"} 200',
      'mesh_tokens_saved_total{region="eu-central",by="hit"} 200',
      'mesh_up{region="eu-central"} 1',
      'mesh_up{region="us-east"} 0',
      '',
    ].join('\n')
    const metered = await run(['status'], {
      answer: (call) => (call.url.endsWith('/metrics') ? new Response(counts) : answer(call)),
    })
    expect(metered.out).toMatch(/^requests +10$/m)
    expect(metered.out).toMatch(/^hit ratio +50\.0 % of 8 answers$/m)
    expect(metered.out).toMatch(/^tokens computed +600, of which 200 were in prefix caches$/m)
    expect(metered.out).toMatch(/^tokens saved +200 \(25\.0 %\)$/m)
    expect(metered.out).toMatch(/^not counted +us-east \(the monitor does not answer\)$/m)
    expect((await run(['status'], { answer })).out).not.toContain('hit ratio')
  })

  test('shows it again and again until it is stopped', async () => {
    const { code, out } = await run(['status', '--watch', '1'], { answer, pauses: 2 })
    expect(code).toBe(0)
    expect(out.split('config     abc123').length - 1).toBe(3)
  })

  test.each([['0'], ['soon']])('refuses to watch every %s seconds', async (seconds) => {
    expect(await run(['status', '--watch', seconds], { answer })).toMatchObject({ code: 2, out: '' })
  })
})

test('mesh cache purge returns when it holds', async () => {
  const { out, calls } = await run(['cache', 'purge', 'eu-bank'], {
    answer: () => Response.json({ epoch: 4 }),
  })
  expect(out).toBe('Nothing that was cached for eu-bank before can be served any more (epoch 4).\n')
  expect(calls.map(({ method, url }) => [method, url])).toEqual([
    ['POST', 'https://mesh.example.com/admin/v1/tenants/eu-bank/purge'],
  ])
})

test('text of others does not steer the terminal', async () => {
  const id = 'eu\u001b[2J\u202e-1'
  const { out } = await run(['pools', 'list'], {
    answer: () => Response.json({ seen_from: 'x', pools: [{ id }] }),
  })
  expect(out).toContain('eu?[2J?-1')
})
