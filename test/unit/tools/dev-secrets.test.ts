/** A machine keeps its secrets: what an earlier version made stays, and what it did not know is added. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let stateDir = ''
beforeEach(async () => {
  stateDir = await mkdtemp(path.join(tmpdir(), 'warmpath-secrets-'))
  vi.stubEnv('WARMPATH_STATE_DIR', stateDir)
  vi.resetModules()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.resetModules()
  await rm(stateDir, { recursive: true })
})

const file = (): string => path.join(stateDir, 'secrets.json')

async function load() {
  const { loadDevSecrets } = await import('../../../tools/local/dev-secrets.ts')
  return loadDevSecrets(['demo'])
}

test('a second start has the secrets of the first', async () => {
  const first = await load()
  for (const secret of [first.adminToken, first.fingerprintSecret, first.encryptionSecret]) {
    expect(secret).toMatch(/^[0-9a-f]{64}$/)
  }
  expect(new Set([first.adminToken, first.fingerprintSecret, first.encryptionSecret]).size).toBe(3)
  expect(await load()).toEqual(first)
  expect((await stat(file())).mode & 0o777).toBe(0o600)
})

test('a file from before there was an encryption secret gets one, and keeps the rest', async () => {
  const { encryptionSecret, ...older } = await load()
  await writeFile(file(), JSON.stringify(older))
  const completed = await load()
  expect(completed).toMatchObject(older)
  expect(completed.encryptionSecret).toMatch(/^[0-9a-f]{64}$/)
  expect(completed.encryptionSecret).not.toBe(encryptionSecret)
  expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(completed)
})

test('a file that is broken is made anew', async () => {
  const first = await load()
  await writeFile(file(), '{"adminToken": 1}')
  expect((await load()).adminToken).not.toBe(first.adminToken)
})
