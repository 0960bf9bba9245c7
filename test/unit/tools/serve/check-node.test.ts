import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { checkNode } from '../../../../tools/serve/check-node.ts'
import { aMeshConfig, KEYS } from '../../../support/mesh-config.ts'

const WRANGLER = readFileSync(path.resolve(import.meta.dirname, '../../../../wrangler.toml'), 'utf8')
const URLS = {
  'eu-central': 'http://10.0.0.1',
  'us-east': 'http://10.0.0.2',
  'ap-southeast': 'http://10.0.0.3',
}
const SECRETS = {
  MESH_FINGERPRINT_SECRET: 'fingerprint-secret-of-32-characters-or-more',
  MESH_ENCRYPTION_SECRET: 'encryption-secret-of-32-characters-or-more',
  MESH_ADMIN_TOKEN: 'admin-token-of-32-characters-or-more',
}
const GOOD = aMeshConfig(URLS)

interface Attempt {
  readonly mode?: string | undefined
  readonly colo?: string
  readonly config?: object
  readonly known?: readonly string[]
}

function check({ mode, colo = 'FRA', config = GOOD, known = [] }: Attempt) {
  const configText = JSON.stringify(config)
  return checkNode(
    {
      mode,
      configFile: 'mesh.toml',
      dataDir: '/data',
      bundleDir: undefined,
      node: { colo, country: 'DE', listen: '127.0.0.1:0', notice_seconds: 0, drain_seconds: 0 },
    },
    {
      environment: SECRETS,
      readText: (file) => (file === 'mesh.toml' ? configText : undefined),
      known: new Set(known),
      wranglerToml: WRANGLER,
    },
  )
}

test('a good node has its config as it stands, its place and its secrets', () => {
  expect(check({ mode: 'single:eu' })).toMatchObject({
    ok: true,
    value: { configText: JSON.stringify(GOOD), place: { colo: 'FRA', country: 'DE' }, secrets: SECRETS },
  })
})

const withBinding = GOOD.pools.map(({ url: _url, ...pool }, index) =>
  index === 0 ? { ...pool, binding: 'ONPREM' } : { ...pool, url: 'http://10.0.0.2/v1' },
)

test.each<[string, Attempt, RegExp]>([
  ['no mode', {}, /^MESH_MODE is not set/],
  ['another place’s mode', { mode: 'cloudflare' }, /^serve runs a node on your own machines/],
  ['the mode of a local start', { mode: 'dev' }, /^serve runs a node on your own machines/],
  ['a jurisdiction that no region has', { mode: 'single:ch' }, /no region has the jurisdiction "ch"/],
  ['a place elsewhere', { mode: 'single:eu', colo: 'IAD' }, /"IAD" is in the jurisdiction "us"/],
  [
    'a pool on this machine',
    {
      mode: 'single:eu',
      config: { ...GOOD, pools: GOOD.pools.map((pool) => ({ ...pool, url: 'http://127.0.0.1/v1' })) },
    },
    /loopback/,
  ],
  [
    'a pool behind a binding',
    { mode: 'single:eu', config: { ...GOOD, pools: withBinding } },
    /^Pool "eu-central": serve has no bindings to private networks/,
  ],
  [
    'a key that somebody has',
    { mode: 'single:eu', known: [KEYS.demo] },
    /^Tenant "demo": the key "k1" is one of a local start or of the tests/,
  ],
])('%s is refused', (_name, attempt, mistake) => {
  const checked = check(attempt)
  expect(checked.ok ? '' : checked.error[0]).toMatch(mistake)
})
