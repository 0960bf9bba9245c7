/** KV on one's own machine, through the binding that the mesh uses. */
import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareDataFolder, writeKvService } from '../../tools/serve/data-folder.ts'
import { formatWorkerdConfig } from '../../tools/serve/workerd-config.ts'
import { startWorkerd, type RunningWorkerd } from '../../tools/serve/workerd.ts'

/** Calls the binding's method that the body names. */
const PROBE = `export class Probe {}
export default {
  async fetch(request, env) {
    const { namespace, method, args } = await request.json()
    const value = await env[namespace][method](...args)
    return Response.json({ value: value instanceof Map ? [...value] : value ?? null })
  },
}`

let dir = ''
let workerd: RunningWorkerd

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'warmpath-kv-'))
  workerd = await start()
})

afterAll(async () => {
  await stop()
  await rm(dir, { recursive: true, force: true })
})

async function start(): Promise<RunningWorkerd> {
  const folder = await prepareDataFolder(dir)
  await mkdir(folder.generatedDir, { recursive: true })
  await writeFile(path.join(folder.generatedDir, 'index.js'), PROBE)
  await writeFile(path.join(folder.generatedDir, 'mesh.toml'), '')
  const config = formatWorkerdConfig({
    facts: {
      compatibilityDate: '2026-10-28',
      compatibilityFlags: [],
      vars: {},
      kvNamespaces: ['ANSWERS', 'OTHERS'],
      objects: [],
    },
    modules: ['index.js'],
    kvModules: await writeKvService(folder),
    meshConfigFile: 'mesh.toml',
    mode: 'single:eu',
    place: { colo: 'FRA' },
    secretNames: [],
    listen: '127.0.0.1:0',
    readiness: '127.0.0.1:9',
    objectsDir: folder.objectsDir,
    kvDir: folder.kvDir,
  })
  const file = path.join(folder.generatedDir, 'config.capnp')
  await writeFile(file, config)
  return startWorkerd(file, {})
}

async function stop(): Promise<void> {
  workerd.drain()
  await workerd.ended
}

async function call(method: string, args: readonly unknown[], namespace = 'ANSWERS'): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${workerd.port}/`, {
    method: 'POST',
    headers: { connection: 'close' },
    body: JSON.stringify({ namespace, method, args }),
  })
  const { value } = (await response.json()) as { value: unknown }
  return value
}

/** Of all namespaces, from their files. */
async function storedKeys(): Promise<readonly unknown[]> {
  const kvDir = path.join(dir, 'kv')
  const files = (await readdir(kvDir, { recursive: true })).filter((file) =>
    /[0-9a-f]{64}\.sqlite$/.test(file),
  )
  return files.flatMap((file) => {
    const database = new DatabaseSync(path.join(kvDir, file), { readOnly: true })
    const keys = database
      .prepare('select key from kv')
      .all()
      .map(({ key }) => key)
    database.close()
    return keys
  })
}

test('what was put is there at once, in its namespace only, until it is deleted', async () => {
  expect(await call('get', ['a/b c?d'])).toBe(null)
  await call('put', ['a/b c?d', 'first'])
  await call('put', ['a/b c?d', 'second'])
  expect(await call('get', ['a/b c?d'])).toBe('second')
  expect(await call('get', ['a/b c?d'], 'OTHERS')).toBe(null)
  await call('delete', ['a/b c?d'])
  expect(await call('get', ['a/b c?d'])).toBe(null)
})

test('many are read in one call, and what is missing is said to be', async () => {
  await call('put', ['many/1', 'one'])
  await call('put', ['many/2', 'two'])
  expect(await call('get', [['many/1', 'many/2', 'many/3'], 'text'])).toEqual([
    ['many/1', 'one'],
    ['many/2', 'two'],
    ['many/3', null],
  ])
})

test('a list has pages, in the order of the keys, with what was put beside the values', async () => {
  for (const key of ['list/2', 'list/3', 'list/1']) {
    await call('put', [key, 'x', { metadata: { of: key } }])
  }
  const first = (await call('list', [{ prefix: 'list/', limit: 2 }])) as { keys: unknown; cursor: string }
  expect(first).toMatchObject({
    keys: [
      { name: 'list/1', metadata: { of: 'list/1' } },
      { name: 'list/2', metadata: { of: 'list/2' } },
    ],
    list_complete: false,
  })
  const rest = await call('list', [{ prefix: 'list/', limit: 2, cursor: first.cursor }])
  expect(rest).toMatchObject({ keys: [{ name: 'list/3' }], list_complete: true })
})

test('what has ended is not read and not listed, and the rest is there after a restart', async () => {
  const past = Math.floor(Date.now() / 1000) - 10
  await call('put', ['time/kept', 'kept', { expirationTtl: 3600 }])
  await call('put', ['time/ended', 'ended', { expiration: past }])
  expect(await call('get', ['time/ended'])).toBe(null)
  expect(await call('list', [{ prefix: 'time/' }])).toMatchObject({ keys: [{ name: 'time/kept' }] })
  // It is gone from the disk, too, without anybody asking for it.
  await expect.poll(storedKeys, { timeout: 5000 }).not.toContain('time/ended')
  expect(await storedKeys()).toContain('time/kept')
  await stop()
  workerd = await start()
  expect(await call('get', ['time/kept'])).toBe('kept')
})
