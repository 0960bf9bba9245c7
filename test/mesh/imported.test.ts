/** What was imported from another gateway serves: its models, with the keys that its clients have. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkMeshConfig } from '../../shared/config/parse.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import { fixture, litellm, must, portkey } from '../unit/tools/cli/import/an-import.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { KEYS, sha256 } from '../support/mesh-config.ts'

const SERVED = ['gpt-4o-eu', 'gpt-4o-ca', 'story-8b', 'gpt-4o-mini', 'gpt-4o']
/** Which simulated pool stands in for the pools of a region. */
const STAND_INS: Readonly<Record<string, string>> = {
  'eu-central': 'eu-central',
  'us-east': 'us-east',
  canada: 'ap-southeast',
}

/** The same config with simulated pools where the hosts of others would be. */
function withStandIns({ config }: { readonly config: MeshConfig }, urls: Readonly<Record<string, string>>) {
  const pools = config.pools.map(({ auth: _auth, api_version: _version, ...pool }) => ({
    ...pool,
    dialect: 'vllm',
    url: `${urls[STAND_INS[pool.region] ?? '']}/v1`,
  }))
  const checked = checkMeshConfig({ ...config, pools }, { mode: { kind: 'dev' } })
  if (!checked.ok) throw new Error(JSON.stringify(checked.error))
  return checked.value
}

async function ask(mesh: TestMesh, key: string, model: string): Promise<{ status: number; said: string }> {
  const response = await mesh.fetch('FRA', '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Tell me.' }], max_tokens: 3 }),
  })
  const { error, model: answered } = (await response.json()) as { error?: { code: string }; model?: string }
  return { status: response.status, said: error?.code ?? answered ?? '' }
}

describe("LiteLLM's", () => {
  let mesh: TestMesh
  beforeAll(async () => {
    const imported = must(
      litellm(fixture('litellm.yaml'), {
        keysText: fixture('litellm-keys.json'),
        teamsText: fixture('litellm-teams.json'),
        acceptSharedPrefix: true,
      }),
    )
    mesh = await startMesh({
      distances: false,
      engine: { servedModelNames: SERVED },
      config: (urls) => withStandIns(imported, urls),
    })
  })
  afterAll(() => mesh.stop())

  test.each(['gpt-4o', 'gpt-4', 'story', 'gpt-4o-mini'])(
    'model %s answers to a key that is known by its hash',
    async (model) => {
      expect(await ask(mesh, 'sk-litellmTeamless0123456789', model)).toEqual({ status: 200, said: model })
    },
  )

  test("a team's key opens its models and no others", async () => {
    expect(await ask(mesh, 'sk-litellmTeamKey0123456789', 'gpt-4o')).toEqual({ status: 200, said: 'gpt-4o' })
    expect(await ask(mesh, 'sk-litellmTeamKey0123456789', 'story')).toEqual({
      status: 404,
      said: 'model_not_found',
    })
  })

  test.each([
    'sk-litellmLimited0123456789',
    'sk-litellmExpired0123456789',
    'sk-litellmBlocked0123456789',
    'sk-litellmPlain0123456789',
    'sk-litellmUnknownTeam0123456',
    'sk-1234',
    '',
    // Of the right form for a tenant that is there, but nobody's.
    'sk-mesh-imported-0123456789abcdefghijABCDEFGHIJ',
  ])('key "%s" opens nothing', async (key) => {
    expect(await ask(mesh, key, 'gpt-4o')).toEqual({ status: 401, said: 'invalid_api_key' })
  })
})

test("Portkey's serves what its clients ask for", async () => {
  const imported = must(
    portkey(fixture('portkey.json'), {
      providers: ['openai-main-258f4d=openai', '@azure-prod=azure-openai'],
    }),
  )
  const [tenant] = imported.config.tenants
  const keys = [{ id: 'k1', sha256: sha256(KEYS.demo), dev: false }]
  const mesh = await startMesh({
    distances: false,
    engine: { servedModelNames: SERVED },
    config: (urls) =>
      withStandIns(
        {
          config: {
            ...imported.config,
            tenants: tenant === undefined ? [] : [{ ...tenant, id: 'demo', keys }],
          },
        },
        urls,
      ),
  })
  try {
    expect(await ask(mesh, KEYS.demo, 'gpt-4o')).toEqual({ status: 200, said: 'gpt-4o' })
  } finally {
    await mesh.stop()
  }
})
