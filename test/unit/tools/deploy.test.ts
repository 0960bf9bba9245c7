/** What `npm run deploy` does not come to: it is refused before wrangler is asked. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deployMistakes, type Deploy } from '../../../tools/config/deploy-mistakes.ts'
import { aMeshConfig, KEYS, sha256 } from '../../support/mesh-config.ts'

const ROOT = path.resolve(import.meta.dirname, '../../..')
const LOCAL_KEY = 'sk-mesh-demo-local456789abcdefghijABCDEFGHIJ'

const config = aMeshConfig({
  'eu-central': 'https://eu.test',
  'us-east': 'https://us.test',
  'ap-southeast': 'https://ap.test',
})
const GOOD: Deploy = { config, mode: { kind: 'cloudflare' }, variables: ['MESH_MODE'], known: new Set() }

test.each<[string, Partial<Deploy>, readonly string[]]>([
  ['nothing', {}, []],
  ['dev', { mode: { kind: 'dev' } }, ['MESH_MODE is "dev"; only "cloudflare" can be deployed.']],
  [
    'the mode of one’s own machines',
    { mode: { kind: 'single', jurisdiction: 'eu' } },
    ['MESH_MODE is "single:eu"; only "cloudflare" can be deployed.'],
  ],
  [
    'a variable of a local start',
    { variables: ['MESH_MODE', 'MESH_DEV_COLO'] },
    ['wrangler.toml: MESH_DEV_COLO is for a local start only: remove it.'],
  ],
  [
    'another config than the checked one',
    { variables: ['MESH_CONFIG'] },
    ['wrangler.toml: MESH_CONFIG would replace the mesh.toml that was checked: remove it.'],
  ],
  [
    'a key that others have',
    { known: new Set([KEYS['eu-bank']]) },
    ['Tenant "eu-bank": the key "k1" is one of a local start or of the tests: make a new one.'],
  ],
])('of a deploy with %s it is said', (_name, changes, mistakes) => {
  expect(deployMistakes({ ...GOOD, ...changes })).toEqual(mistakes)
})

describe('npm run deploy -- --dry-run', () => {
  let project = ''
  beforeAll(() => {
    project = mkdtempSync(path.join(tmpdir(), 'warmpath-deploy-'))
    for (const name of ['package.json', 'mesh.test.toml', 'shared', 'tools', 'workers']) {
      cpSync(path.join(ROOT, name), path.join(project, name), {
        recursive: true,
        filter: (file) => !file.includes('node_modules'),
      })
    }
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(project, 'node_modules'))
    writeFileSync(path.join(project, 'secrets.json'), JSON.stringify({ apiKeys: { demo: LOCAL_KEY } }))
  })
  afterAll(() => rmSync(project, { recursive: true }))

  const sample = readFileSync(path.join(ROOT, 'mesh.toml'), 'utf8')
  const wrangler = readFileSync(path.join(ROOT, 'wrangler.toml'), 'utf8')
  const withLocalKey = sample.replace(
    'models = "*"',
    `models = "*"\nkeys = [{ id = "k1", sha256 = "${sha256(LOCAL_KEY)}" }]`,
  )
  const onLoopback = sample.replace('us-east.pools.example.com', '127.0.0.1:8000')
  const inDev = wrangler.replace('"cloudflare"', '"dev"')

  test.each<[string, string, string, RegExp]>([
    ['a key of a local start', withLocalKey, wrangler, /Tenant "demo": the key "k1" is one of a local start/],
    ['a pool on loopback', onLoopback, wrangler, /pools\[1\] \("us-east"\)\.url: .*loopback/],
    ['the mode of a local start', sample, inDev, /only "cloudflare" can be deployed/],
  ])(
    'is refused with %s',
    (_name, mesh, wranglerToml, said) => {
      writeFileSync(path.join(project, 'mesh.toml'), mesh)
      writeFileSync(path.join(project, 'wrangler.toml'), wranglerToml)
      const { status, stdout, stderr } = spawnSync('npm', ['run', 'deploy', '--', '--dry-run'], {
        cwd: project,
        encoding: 'utf8',
        env: { ...process.env, WARMPATH_STATE_DIR: project },
      })
      expect(stderr).toMatch(said)
      expect(status).toBe(1)
      expect(stdout).not.toContain('--dry-run: exiting now')
    },
    60_000,
  )
})
