/** What `npm start` promises: pools and a mesh on this machine, keys to use, and nothing left behind. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { PROJECT_DIR } from '../../tools/build/wrangler.ts'

interface DevFile {
  readonly url: string
  readonly adminToken: string
  readonly apiKeys: Readonly<Record<string, string>>
  readonly pools: readonly { id: string; region: string; jurisdiction: string; url: string; pid: number }[]
}

const START = path.join(PROJECT_DIR, 'tools/local/start.ts')
const READY_WITHIN_MS = 60_000

let stateDir = ''
let started: { child: ChildProcess; printed: () => string } | undefined

beforeAll(async () => {
  stateDir = await mkdtemp(path.join(tmpdir(), 'warmpath-'))
  started = start([], await freePort())
  await vi.waitFor(() => expect(started?.printed()).toContain('Ctrl-C stops everything'), {
    timeout: READY_WITHIN_MS,
    interval: 100,
  })
}, READY_WITHIN_MS)

afterAll(async () => {
  started?.child.kill('SIGKILL')
  await rm(stateDir, { recursive: true, force: true })
})

function start(args: readonly string[], port: number) {
  const child = spawn(process.execPath, [START, ...args], {
    env: { ...process.env, PORT: String(port), WARMPATH_STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
  }
  return { child, printed: () => printed }
}

/** Below the range from which systems hand out ports, so that no other test is given it before it is used. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

async function devFile(): Promise<DevFile> {
  return JSON.parse(await readFile(path.join(stateDir, 'dev.json'), 'utf8')) as DevFile
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function ask(file: DevFile, tenant: string, headers: Record<string, string> = {}) {
  const client = new OpenAI({ baseURL: `${file.url}/v1`, apiKey: file.apiKeys[tenant] ?? '', maxRetries: 0 })
  return client.chat.completions
    .create(
      { model: 'story', max_tokens: 4, messages: [{ role: 'user', content: 'Where am I?' }] },
      { headers },
    )
    .withResponse()
}

test('it says where the mesh is, in print and in a file that only its owner can read', async () => {
  const file = await devFile()
  expect(started?.printed()).toContain(file.url)
  for (const [tenant, key] of Object.entries(file.apiKeys)) {
    expect(key.startsWith(`sk-mesh-${tenant}-`)).toBe(true)
    expect(started?.printed()).toContain(key)
  }
  expect(file.pools.map(({ id, jurisdiction }) => [id, jurisdiction])).toEqual([
    ['eu-central', 'eu'],
    ['us-east', 'us'],
    ['ap-southeast', 'sg'],
  ])
  expect(started?.printed()).not.toContain(file.adminToken)
  for (const name of ['dev.json', 'secrets.json']) {
    expect((await stat(path.join(stateDir, name))).mode & 0o777, name).toBe(0o600)
  }
})

test('a request arrives where a header says it does, and a tenant of the EU stays in the EU', async () => {
  const file = await devFile()
  // One request in a hundred looks elsewhere.
  const far = async (): Promise<string | null> =>
    (await ask(file, 'demo', { 'x-mesh-dev-colo': 'SIN' })).response.headers.get('x-mesh-pool')
  await expect.poll(far, { timeout: 10_000 }).toBe('ap-southeast')
  const bound = await ask(file, 'eu-bank', { 'x-mesh-dev-colo': 'SIN' })
  expect(bound.response.headers.get('x-mesh-pool')).toBe('eu-central')
  await expect(ask(file, 'eu-bank', { 'x-mesh-residency': 'us' })).rejects.toMatchObject({
    status: 403,
    code: 'residency_violation',
  })
})

test('a second start on the same port says that the port is taken, and changes nothing', async () => {
  const file = await devFile()
  const second = start([], Number(new URL(file.url).port))
  await new Promise((resolve) => second.child.once('exit', resolve))
  expect(second.child.exitCode).toBe(1)
  expect(second.printed()).toMatch(/^Port \d+ is taken\. Choose another/)
  expect(await devFile()).toEqual(file)
})

test('a killed pool is told of, and the mesh goes on without it', async () => {
  const file = await devFile()
  const pool = file.pools.find(({ id }) => id === 'us-east')
  process.kill(pool?.pid ?? 0, 'SIGKILL')
  await vi.waitFor(() => expect(started?.printed()).toContain('The pool us-east ended'), { timeout: 5000 })
  const answer = await ask(file, 'demo', { 'x-mesh-dev-colo': 'IAD' })
  expect(answer.response.headers.get('x-mesh-pool')).not.toBe('us-east')
})

test('an interrupt ends every process and takes the file away', async () => {
  const file = await devFile()
  started?.child.kill('SIGINT')
  await vi.waitFor(() => expect(started?.child.exitCode).toBe(0), { timeout: 10_000 })
  expect(file.pools.filter(({ pid }) => isRunning(pid))).toEqual([])
  await expect(fetch(`${file.url}/healthz`)).rejects.toThrow()
  await expect(devFile()).rejects.toThrow()
})
