import { describe, expect, test } from 'vitest'
import { fixture, must, portkey, told } from './an-import.ts'

const PROVIDERS = { providers: ['openai-main-258f4d=openai', '@azure-prod=azure-openai'] }
const OPENAI = { provider: 'openai', api_key: 'made-up-key' }

describe("Portkey's config", () => {
  test('becomes pools of the model that clients ask for', () => {
    const { config } = must(portkey(fixture('portkey.json'), PROVIDERS))
    expect(
      config.pools.map(({ id, region, dialect, auth, models }) => ({ id, region, dialect, auth, models })),
    ).toEqual([
      {
        id: 'openai-com',
        region: 'us-east',
        dialect: 'openai',
        auth: 'secret:POOL_OPENAI_MAIN_258F4D',
        models: [{ model: 'gpt-4o', served: 'gpt-4o' }],
      },
      {
        id: 'warm-europe-openai-azure-com',
        region: 'eu-central',
        dialect: 'azure',
        auth: 'secret:POOL_AZURE_PROD',
        models: [{ model: 'gpt-4o', served: 'gpt-4o' }],
      },
    ])
    expect(config.models).toMatchObject([
      { id: 'gpt-4o', versions: [{ id: '1' }], cache: { ttl_seconds: 900 } },
    ])
    expect(config.limits).toMatchObject({ max_attempts: 3, total_ms: 90_000 })
  })

  test('leaves a fallback out that would answer with another model', () => {
    expect(told(must(portkey(fixture('portkey.json'), PROVIDERS)), 'left_out')).toEqual([
      'config.targets[1].targets[1]: it answers with "claude-sonnet-4-5", the first one with "gpt-4o": the mesh never answers with another model',
    ])
  })

  test('tells models of a load balancer apart as versions, by their weights', () => {
    const { config } = must(
      portkey({
        strategy: { mode: 'loadbalance' },
        targets: [
          { ...OPENAI, weight: 0.7, override_params: { model: 'gpt-4o' } },
          { ...OPENAI, weight: 0.3, override_params: { model: 'gpt-4o-mini' } },
          { ...OPENAI, weight: 0, override_params: { model: 'o3' } },
        ],
      }),
    )
    expect(config.models[0]?.versions).toEqual([
      { id: 'gpt-4o', weight: 0.7 },
      { id: 'gpt-4o-mini', weight: 0.3 },
    ])
    expect(config.pools.map(({ models }) => models)).toEqual([
      [{ model: 'gpt-4o', version: 'gpt-4o', served: 'gpt-4o' }],
      [{ model: 'gpt-4o', version: 'gpt-4o-mini', served: 'gpt-4o-mini' }],
    ])
  })

  test.each([
    [{ input_guardrails: [{ id: 'pg-1' }] }],
    [{ before_request_hooks: [{ id: 'x' }] }],
    [{ a_key_of_tomorrow: 1 }],
  ])('with %j is refused', (guard) => {
    const config = { ...OPENAI, ...guard }
    expect(portkey(config)).toMatchObject({ ok: false, error: { kind: 'refused' } })
    expect(portkey(config, { acceptWidening: true }).ok).toBe(true)
    // In a target, too.
    expect(portkey({ strategy: { mode: 'single' }, targets: [config] }).ok).toBe(false)
  })

  test.each([
    [{ virtual_key: 'mine' }, 'nobody said whose it is: give --provider mine=PROVIDER, e.g. openai'],
    [{ provider: '@mine' }, 'nobody said whose it is: give --provider mine=PROVIDER, e.g. openai'],
    [{ provider: 'bedrock' }, 'the mesh speaks no dialect of "bedrock"'],
    [
      { ...OPENAI, override_params: { max_tokens: 10 } },
      'the mesh changes no request on its way, and it overrides max_tokens',
    ],
    [
      { strategy: { mode: 'conditional' }, targets: [OPENAI] },
      'the mesh has no strategy "conditional": who may be asked is said by floors and rules',
    ],
  ])('leaves %j out', (target, reason) => {
    const imported = must(portkey({ strategy: { mode: 'fallback' }, targets: [OPENAI, target] }))
    expect(told(imported, 'left_out')).toEqual([`config.targets[1]: ${reason}`])
  })

  test('needs to be told what clients ask for', () => {
    expect(portkey(OPENAI, { models: [] })).toMatchObject({ ok: false, error: { kind: 'usage' } })
  })
})
