import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { fixture, litellm, must, told } from './an-import.ts'

const POOL = {
  model_name: 'story',
  litellm_params: { model: 'hosted_vllm/story-8b', api_base: 'https://a.example.com/v1' },
}

describe("LiteLLM's config.yaml", () => {
  test('becomes pools, models and a tenant that may go where the pools are', () => {
    const { config } = must(litellm(fixture('litellm.yaml')))
    expect(
      config.pools.map(({ id, region, dialect, auth, models }) => ({ id, region, dialect, auth, models })),
    ).toEqual([
      {
        id: 'warm-europe-openai-azure-com',
        region: 'eu-central',
        dialect: 'azure',
        auth: 'secret:POOL_AZURE_API_KEY_EU',
        models: [
          { model: 'gpt-4o', served: 'gpt-4o-eu' },
          { model: 'gpt-4', served: 'gpt-4o-eu' },
        ],
      },
      {
        id: 'warm-canada-openai-azure-com',
        region: 'canada',
        dialect: 'azure',
        auth: 'secret:POOL_AZURE_API_KEY_CA',
        models: [
          { model: 'gpt-4o', served: 'gpt-4o-ca' },
          { model: 'gpt-4', served: 'gpt-4o-ca' },
        ],
      },
      {
        id: 'story-pools-example-com',
        region: 'eu-central',
        dialect: 'vllm',
        models: [{ model: 'story', served: 'story-8b' }],
      },
      {
        id: 'openai-com',
        region: 'us-east',
        dialect: 'openai',
        auth: 'secret:POOL_GPT_4O_MINI_4',
        models: [{ model: 'gpt-4o-mini', served: 'gpt-4o-mini' }],
      },
    ])
    expect(config.pools[0]?.price).toEqual({ prompt: 2.5, cached_prompt: 2.5, completion: 10 })
    expect(config.pools[2]?.capacity).toBe(64)
    expect(
      config.models.map(({ id, context_length, cache }) => [id, context_length, cache.ttl_seconds]),
    ).toEqual([
      ['gpt-4o', 8192, 600],
      ['story', 32_768, 600],
      ['gpt-4o-mini', 8192, 600],
      ['gpt-4', 8192, 600],
    ])
    expect(config.tenants).toMatchObject([
      { id: 'imported', floor: { jurisdictions: ['eu', 'ca', 'us'] }, keys: [] },
    ])
    expect(config.limits).toMatchObject({ max_attempts: 3, total_ms: 120_000 })
  })

  test('says of everything else why it does not carry over', () => {
    const imported = must(litellm(fixture('litellm.yaml')))
    expect(told(imported, 'left_out')).toEqual([
      'model_list[2] (claude-on-bedrock): the mesh speaks no dialect of "bedrock"',
      'model_list[5] (*): it opens whatever its provider serves; the mesh serves the models that are listed',
    ])
    expect(told(imported, 'lost')).toContain(
      'litellm_settings.fallbacks: the mesh never answers with another model than the one that was asked for',
    )
    expect(told(imported, 'note')).toContain(
      'model_list[4] (gpt-4o-mini): its key stands in the file; it is not copied: set it as POOL_GPT_4O_MINI_4',
    )
  })

  test('gives no key away that stands in it', () => {
    const imported = must(litellm(fixture('litellm.yaml')))
    expect(JSON.stringify(imported)).not.toContain('sk-')
    expect(JSON.stringify(imported)).not.toContain('REDIS_PASSWORD')
  })

  test('takes pools whose place nobody gave for unknown', () => {
    const imported = must(
      litellm(fixture('litellm.yaml'), { places: ['story.pools.example.com=eu-central'] }),
    )
    expect(imported.config.pools.map(({ id }) => id)).toEqual(['story-pools-example-com'])
    expect(imported.config.tenants[0]?.floor).toEqual({ jurisdictions: ['eu'] })
    expect(told(imported, 'left_out')).toContain(
      'model_list[4] (gpt-4o-mini): nobody said where api.openai.com is: give --place api.openai.com=REGION',
    )
  })

  test('caches nothing that LiteLLM did not cache', () => {
    const { config } = must(litellm(stringify({ model_list: [POOL] })))
    expect(config.models[0]?.cache.mode).toBe('off')
  })

  test.each([
    [
      'litellm_settings',
      { guardrails: [{ prompt_injection: { callbacks: ['x'] } }] },
      'litellm_settings.guardrails',
    ],
    ['litellm_settings', { callbacks: ['presidio'] }, 'litellm_settings.callbacks (presidio)'],
    ['litellm_settings', { max_budget: 100 }, 'litellm_settings.max_budget'],
    ['general_settings', { allowed_ips: ['192.0.2.1'] }, 'general_settings.allowed_ips'],
    ['router_settings', { enable_tag_filtering: true }, 'router_settings.enable_tag_filtering'],
    ['guardrails', [{ guardrail_name: 'x' }], 'guardrails'],
    ['a_section_of_tomorrow', { on: true }, 'a_section_of_tomorrow'],
  ])('is refused for %s %j, and goes on without it only if that is accepted', (section, value, where) => {
    const text = stringify({ model_list: [POOL], [section]: value })
    const refused = litellm(text)
    expect(refused).toMatchObject({ ok: false, error: { kind: 'refused' } })
    expect(refused.ok ? [] : refused.error.lines.join('\n')).toContain(`  ${where}: `)
    expect(litellm(text, { acceptWidening: true }).ok).toBe(true)
  })

  test.each([
    [{ tags: ['paid'] }, 'the mesh has no equal of tags, and it may forbid or change something'],
    [
      { extra_headers: { 'x-no-training': '1' } },
      'the mesh has no equal of extra_headers, and it may forbid or change something',
    ],
    [{ max_budget: 10 }, 'the mesh has no equal of max_budget, and it may forbid or change something'],
    [
      { api_base: 'https://user:secret@a.example.com/v1' },
      'a URL with credentials; remove them, and name a secret with auth',
    ],
    [
      { api_base: 'http://127.0.0.1:8000/v1' },
      '"http://127.0.0.1:8000/v1" is a loopback address, which is allowed in dev only; give a public address, or a binding',
    ],
    [
      { api_base: 'os.environ/NOWHERE' },
      'its api_base does not stand in the file, nor in environment_variables',
    ],
    [{ litellm_credential_name: 'none' }, 'its credential is not in credential_list'],
  ])('leaves a deployment out that has %j', (params, reason) => {
    const odd = { model_name: 'odd', litellm_params: { ...POOL.litellm_params, ...params } }
    const imported = must(litellm(stringify({ model_list: [POOL, odd] })))
    expect(imported.config.models.map(({ id }) => id)).toEqual(['story'])
    expect(told(imported, 'left_out')).toEqual([`model_list[1] (odd): ${reason}`])
  })

  test.each([
    ['', 'The file cannot be imported: it is no LiteLLM config: a table of settings is expected.'],
    ['model_list: []', 'The file cannot be imported: it is no LiteLLM config: there is no model_list in it.'],
    ['a: [', 'The file cannot be read as YAML.'],
    [
      'a: &a [1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]',
      'The file cannot be read as YAML.',
    ],
  ])('refuses %j in one sentence', (text, line) => {
    expect(litellm(text)).toEqual({ ok: false, error: { kind: 'refused', lines: [line] } })
  })
})
