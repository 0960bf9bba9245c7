import { describe, expect, test } from 'vitest'
import { run } from './a-world.ts'

describe('mesh residency explain', () => {
  test('asks the mesh what the flags say', async () => {
    const flags = [
      '--country',
      'DE',
      '--data-class',
      'health',
      '--residency',
      'eu, us',
      '--header',
      'X-Department=radiology',
    ]
    const { calls } = await run(['residency', 'explain', '--tenant', 't', '--model', 'm', ...flags], {
      answer: () => Response.json({}),
    })
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
      tenant: 't',
      model: 'm',
      country: 'DE',
      data_class: 'health',
      residency: ['eu', 'us'],
      headers: { 'x-department': 'radiology' },
    })
  })

  test('answers from a config on this machine, and asks nobody', async () => {
    const config = `
version = 1
regions = [{ id = "eu", jurisdiction = "eu", latitude = 1, longitude = 1 }, { id = "us", jurisdiction = "us", latitude = 1, longitude = 1 }]
pools = [
  { id = "a", region = "eu", dialect = "vllm", url = "https://a.example.com/v1", models = [{ model = "m" }] },
  { id = "b", region = "us", dialect = "vllm", url = "https://b.example.com/v1", models = [{ model = "m" }] },
]
models = [{ id = "m", context_length = 10 }]
tenants = [{ id = "t", floor = { jurisdictions = ["eu"] } }]`
    const args = [
      'residency',
      'explain',
      '--tenant',
      't',
      '--model',
      'm',
      '--config',
      'c.toml',
      '--mode',
      'cloudflare',
    ]
    const { code, out, calls } = await run(args, { files: { 'c.toml': config }, environment: {} })
    expect({ code, calls }).toEqual({ code: 0, calls: [] })
    expect(out.split('\n').slice(0, 5)).toEqual([
      'It would be served.',
      '',
      'POOL  REGION  JURISDICTION  ALLOWED  BECAUSE OF',
      'a     eu      eu            yes',
      'b     us      us            no       floor',
    ])
    const json = await run([...args, '--json'], { files: { 'c.toml': config }, environment: {} })
    expect(JSON.parse(json.out)).toMatchObject({ mode: 'cloudflare', refused: null, home: { region: 'eu' } })
  })

  test.each([
    [['--header', 'authorization=Bearer x'], '--header: give NAME=VALUE, for any header but authorization.'],
    [['--country', 'Germany', '--config', 'c.toml'], '--country: give two capitals, e.g. "DE".'],
  ])('refuses %j before anything is asked', async (flags, line) => {
    const args = ['residency', 'explain', '--tenant', 't', '--model', 'm', ...flags]
    expect(await run(args, { files: { 'c.toml': '' } })).toMatchObject({
      code: 2,
      error: `${line}\n`,
      calls: [],
    })
  })
})

describe('mesh route explain', () => {
  const explained = {
    origin: 'eu-central',
    model_version: '1',
    restricted: true,
    rules: [],
    snapshot_age_ms: 900,
    picked: 'eu-1',
    reason: 'best',
    candidates: [
      {
        pool: 'eu-1',
        region: 'eu-central',
        estimate_ms: 41.2,
        score_ms: 41.2,
        measured: true,
        warm_tokens: 0,
        load: 0.25,
      },
    ],
    rejected: [{ pool: 'eu-2', reason: 'drained' }],
  }

  test('sends the request that it is about, and says where it would go', async () => {
    const args = ['route', 'explain', '--tenant', 't', '--model', 'm', '--colo', 'FRA', '--residency', 'eu']
    const { out, calls } = await run(args, { answer: () => Response.json(explained) })
    expect(calls[0]?.url).toBe('https://mesh.example.com/admin/v1/route/explain?tenant=t&colo=FRA')
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'Hello.' }],
    })
    expect(calls[0]?.headers.get('x-mesh-residency')).toBe('eu')
    expect(out.split('\n').slice(0, 5)).toEqual([
      'It would go to eu-1 (best).',
      '',
      'POOL  REGION      FIRST TOKEN MS  SCORE MS  WARM TOKENS  LOAD',
      'eu-1  eu-central              41        41            0  0.25  measured',
      'eu-2: cannot take it now (drained)',
    ])
  })

  test('takes a whole body from a file', async () => {
    const body = '{"model":"m","messages":[]}'
    const args = ['route', 'explain', '--tenant', 't', '--body', 'b.json']
    const { calls } = await run(args, { files: { 'b.json': body }, answer: () => Response.json(explained) })
    expect(calls[0]?.body).toBe(body)
    expect(await run(['route', 'explain', '--tenant', 't'])).toMatchObject({ code: 2, calls: [] })
  })
})
