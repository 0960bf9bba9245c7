/** What a node does not start with, tried as an operator would meet it. What each sentence says is a matter of the unit tests. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configFor, SECRETS, spawnNode } from './running-node.ts'

const PRIVATE = 'http://10.1.2.3:8000'
const PLACE = ['--colo', 'FRA', '--listen', '127.0.0.1:0']
const EU = ['--mode', 'single:eu', ...PLACE]

let dir = ''

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'warmpath-refused-'))
  const configs = {
    'good.toml': configFor([PRIVATE, PRIVATE]),
    'loopback.toml': configFor(['http://127.0.0.1:8000', PRIVATE]),
    'dev-key.toml': configFor([PRIVATE, PRIVATE], true),
  }
  for (const [name, text] of Object.entries(configs)) await writeFile(path.join(dir, name), text)
})

afterAll(() => rm(dir, { recursive: true, force: true }))

test.each<[string, string, readonly string[], Record<string, string>, RegExp]>([
  ['without a mode', 'good.toml', PLACE, SECRETS, /MESH_MODE is not set/],
  ['with the mode of a local start', 'good.toml', ['--mode', 'dev', ...PLACE], SECRETS, /own machines/],
  ['with a pool on loopback', 'loopback.toml', EU, SECRETS, /loopback/],
  ['with the key of a local start', 'dev-key.toml', EU, SECRETS, /made by a local start/],
  [
    'with a secret of the tests',
    'good.toml',
    EU,
    { ...SECRETS, MESH_ADMIN_TOKEN: 'test-admin-token-0123456789abcdef' },
    /MESH_ADMIN_TOKEN is one of a local start or of the tests/,
  ],
])('%s it does not start, and writes nothing', async (_name, file, flags, environment, said) => {
  const data = path.join(dir, 'data')
  const node = spawnNode(['--config', path.join(dir, file), '--data', data, ...flags], environment)
  expect(await node.ended).toBe(1)
  expect(node.printed()).toMatch(said)
  expect(node.printed()).not.toContain('Warmpath listens')
  await expect(readdir(data)).rejects.toThrow()
  for (const secret of Object.values(environment)) expect(node.printed()).not.toContain(secret)
})
