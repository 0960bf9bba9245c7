import { expect, test } from 'vitest'
import { run } from './a-world.ts'

const KEYS = 'https://mesh.example.com/admin/v1/tenants/demo/keys'
const SECRET = 'sk-mesh-demo-0123456789abcdef0123456789'
const answer = () => Response.json({ id: 'batch', key: SECRET })

test('keys are listed without their secrets', async () => {
  const keys = [
    { id: 'k1', from: 'config', state: 'live' },
    { id: 'batch', from: 'ledger', state: 'live', expires_at: '2026-12-24T12:00:00.000Z', models: ['story'] },
  ]
  const { out } = await run(['keys', 'list', 'demo'], { answer: () => Response.json({ keys }) })
  expect(out.split('\n')).toEqual([
    'KEY    FROM    STATE  EXPIRES                   OLD ONE UNTIL  MODELS  DATA CLASSES',
    'k1     config  live   -                                     -  all     all',
    'batch  ledger  live   2026-12-24T12:00:00.000Z              -  story   all',
    '',
  ])
})

test('a key that is made stands alone on standard output', async () => {
  const args = [
    'keys',
    'create',
    'demo',
    'batch',
    '--expires-in',
    '30d',
    '--model',
    'story',
    '--data-class',
    'health',
  ]
  const { code, out, error, calls } = await run(args, { answer })
  expect({ code, out, error }).toEqual({
    code: 0,
    out: `${SECRET}\n`,
    error: 'This is batch. It is not shown again.\n',
  })
  expect(calls.map(({ method, url, body }) => [method, url, JSON.parse(body) as unknown])).toEqual([
    [
      'POST',
      KEYS,
      { id: 'batch', expires_in_seconds: 2_592_000, models: ['story'], data_classes: ['health'] },
    ],
  ])
})

test('a key is replaced, with an overlap of a day unless told otherwise', async () => {
  const day = await run(['keys', 'rotate', 'demo', 'batch'], { answer })
  expect(day.calls.map(({ url, body }) => [url, body])).toEqual([
    [`${KEYS}/batch/rotate`, '{"overlap_seconds":86400}'],
  ])
  const none = await run(['keys', 'rotate', 'demo', 'batch', '--overlap', '0s'], { answer })
  expect(none.error).toBe('This is batch. It is not shown again. The old one is gone.\n')
})

test('a key is taken back', async () => {
  const { out, calls } = await run(['keys', 'revoke', 'demo', 'batch'], {
    answer: () => new Response(null, { status: 204 }),
  })
  expect(out).toBe('batch of demo is revoked. Nothing is served for it any more.\n')
  expect(calls.map(({ method, url }) => [method, url])).toEqual([['DELETE', `${KEYS}/batch`]])
})

test.each([
  ['create', '--expires-in', 'soon'],
  ['rotate', '--overlap', '1y'],
])('%s wants a time for %s, not "%s"', async (word, flag, time) => {
  expect(await run(['keys', word, 'demo', 'batch', flag, time])).toMatchObject({
    code: 2,
    error: `${flag}: give a time such as 30d, 12h, 15m or 0s.\n`,
    calls: [],
  })
})
