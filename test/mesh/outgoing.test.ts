/** What pools may do wrong, and what a client sees of it: a plain refusal or an error in the stream, never a clean end. */
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { BREAKS, MAX_FLOOD_BYTES, refusals, type Break, type Refusal } from '../support/bad-pools.ts'
import { startScriptedPools, type Script, type ScriptedPools } from '../support/scripted-pool.ts'

let foreignUrl = ''
const REFUSALS = refusals(() => foreignUrl)

/** Bytes that left towards the mesh, the largest of all connections to a script. */
const sent = new Map<string, number>()
let mesh: TestMesh
let pools: ScriptedPools
let foreign: Server
let foreignConnections = 0

beforeAll(async () => {
  foreign = createServer((socket) => {
    foreignConnections += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
  foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/v1/chat/completions`
  const scripts = { ...scriptsOf('refusal', REFUSALS), ...scriptsOf('break', BREAKS) }
  pools = await startScriptedPools(scripts)
  mesh = await startMesh({
    colos: ['FRA'],
    distances: false,
    config: (urls) => configOf(urls, Object.keys(scripts)),
  })
})
afterAll(async () => {
  await mesh.stop()
  await pools.stop()
  foreign.close()
})

/** Every script is two pools: one that alone serves a model, and one in front of a pool that is well. */
function configOf(urls: Readonly<Record<string, string>>, scripts: readonly string[]) {
  const bad = (id: string, script: string, model: string) => ({
    id,
    region: 'eu-central',
    dialect: 'vllm',
    url: `${pools.url(script)}/v1`,
    models: [{ model, served: 'story-8b' }],
  })
  const well = {
    id: 'us-east',
    region: 'us-east',
    dialect: 'vllm',
    url: `${urls['us-east']}/v1`,
    models: ['story', ...scripts.map((script) => `${script}.guarded`)].map((model) => ({
      model,
      served: 'story-8b',
    })),
  }
  const models = ['story', ...scripts.flatMap((script) => [`${script}.alone`, `${script}.guarded`])]
  return aMeshConfig(urls, {
    pools: [
      ...scripts.flatMap((script) => [
        bad(`${script}-alone`, script, `${script}.alone`),
        bad(`${script}-guarded`, script, `${script}.guarded`),
      ]),
      well,
    ],
    models: models.map((id) => ({ id, context_length: 32_768 })),
    limits: { first_token_ms: 1500, idle_ms: 1500, total_ms: 8000 },
    // Nearly all that is asked here fails.
    routing: { log_share: 0, retry_share: 1 },
  })
}

function ask(model: string, body: Readonly<Record<string, unknown>>): Promise<Response> {
  return chat(mesh, 'FRA', 'Say hello.', { body: { model, max_tokens: 3, ...body } })
}

const SHARED = { temperature: 0 }
const STREAM = { stream: true }

/** Cases that wait do it together; the rest of the file is about time as well, so floods come one by one. */
const REFUSAL_ROWS = rowsOf(REFUSALS)
const BREAK_ROWS = rowsOf(BREAKS)
const FAULT_ROWS = REFUSAL_ROWS.filter(([, row]) => row.isFinal === undefined)

const REFUSED = 'a pool that %s is a refusal with a reason, and nothing is kept'
const FOLLOWED = 'a pool that %s is followed by the next one, unnoticed'
const BROKEN = 'a pool that %s never looks like a whole answer, and is not kept'

describe('before the first token', () => {
  test.concurrent.each(REFUSAL_ROWS.filter(isCalm))(REFUSED, expectRefusal)
  test.concurrent.each(FAULT_ROWS.filter(isCalm))(FOLLOWED, expectFailover)
  test.each(REFUSAL_ROWS.filter(isFlood))(REFUSED, expectRefusal)
  test.each(FAULT_ROWS.filter(isFlood))(FOLLOWED, expectFailover)

  const finals = REFUSAL_ROWS.filter(([, row]) => row.isFinal === true)
  test.each(finals)('a pool that %s is not followed by another', async (name, row) => {
    const before = mesh.engines['us-east']?.stats().requests ?? 0
    const statuses = await untilAskedFirst(
      `${idOf('refusal', name)}.guarded`,
      {},
      ({ status }) => status !== 200,
    )
    expect(statuses.at(-1)).toBe(row.status)
    expect(mesh.engines['us-east']?.stats().requests).toBe(before + statuses.length - 1)
  })

  const waits = REFUSAL_ROWS.filter(([, row]) => row.retryAfter !== undefined)
  test.each(waits)('a pool that %s says when to come back, within a minute', async (name, row) => {
    // A guess at the wait would be one second. Asked a while later, a little of what the pool said has passed.
    const response = await ask(`${idOf('refusal', name)}.alone`, { ...SHARED, seed: 7 })
    await response.text()
    const seconds = Number(response.headers.get('retry-after'))
    expect(seconds).toBeLessThanOrEqual(Number(row.retryAfter))
    if (row.retryAfter === '60') expect(seconds).toBeGreaterThan(10)
    // The pool's day away is over for the mesh after a minute: who comes first then hears of the day again.
    expect(response.headers.get('x-should-retry')).toMatch(
      row.retryAfter === '60' ? /^(true|false)$/ : /^true$/,
    )
  })
})

describe('after the first token', () => {
  test.concurrent.each(BREAK_ROWS.filter(isCalm))(BROKEN, expectBreak)
  test.each(BREAK_ROWS.filter(isFlood))(BROKEN, expectBreak)
})

test('no redirect was followed: not one connection was made to where they pointed', () => {
  for (const code of [300, 301, 302, 303, 304, 307, 308]) {
    expect(pools.asked(idOf('refusal', `answers ${code}`)), String(code)).toBeGreaterThan(0)
  }
  expect(foreignConnections).toBe(0)
})

test('after all of it the mesh answers as before', async () => {
  const response = await ask('story', SHARED)
  expect(response.status, await response.text()).toBe(200)
})

async function expectRefusal(name: string, row: Refusal): Promise<void> {
  const id = idOf('refusal', name)
  async function refused(body: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await ask(`${id}.alone`, body)
    const answer = (await response.json()) as { error: { code: string } }
    const { status, headers } = response
    expect({ status, code: answer.error.code }).toEqual({ status: row.status, code: row.code })
    expect(headers.get('content-type')).toMatch(/^application\/json/)
    expect(headers.get('x-request-id')).toMatch(/^req_/)
    if (row.code === 'no_eligible_pool') expect(headers.get('retry-after')).toMatch(/^([1-9]|[1-5]\d|60)$/)
  }
  // The second shared one would get from the log what the first one left there.
  await inWays(row, [[{}], [STREAM], [SHARED, { ...SHARED, ...STREAM }]], refused)
  expect(sent.get(id) ?? 0).toBeLessThan(MAX_FLOOD_BYTES)
}

async function expectFailover(name: string): Promise<void> {
  const model = `${idOf('refusal', name)}.guarded`
  for (const body of [{}, { ...SHARED, ...STREAM }]) {
    const wasFollowed = (response: Response) => response.headers.get('x-mesh-attempts') === '2'
    const statuses = await untilAskedFirst(model, body, wasFollowed)
    expect(new Set(statuses)).toEqual(new Set([200]))
  }
}

/**
 * Asks until the bad pool was the first to be tried: as near as the other one, it is one of two that nothing tells apart.
 * Gives the statuses of all answers.
 */
async function untilAskedFirst(
  model: string,
  body: Readonly<Record<string, unknown>>,
  wasFirst: (response: Response) => boolean,
): Promise<number[]> {
  const statuses: number[] = []
  for (let seed = 0; seed < 60; seed += 1) {
    const response = await ask(model, 'temperature' in body ? { ...body, seed } : body)
    await response.text()
    statuses.push(response.status)
    if (wasFirst(response)) return statuses
  }
  throw new Error(`the bad pool was never tried first: ${statuses.join(' ')}`)
}

async function expectBreak(name: string, row: Break): Promise<void> {
  const id = idOf('break', name)
  async function brokenJson(body: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await ask(`${id}.alone`, body)
    const answer = (await response.json()) as { error?: { code: string } }
    expect({ status: response.status, code: answer.error?.code }).toEqual({
      status: row.status,
      code: row.code,
    })
    expect(response.headers.get('x-mesh-cache')).not.toBe('hit')
  }
  async function brokenStream(body: Readonly<Record<string, unknown>>): Promise<void> {
    const response = await ask(`${id}.alone`, body)
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(text.includes('"content":"Hello"')).toBe(true)
    expect(text.includes('"finish_reason":"')).toBe(false)
    const [last = '', done] = text.trimEnd().split('\n\n').slice(-2)
    expect(JSON.parse(last.replace('data: ', ''))).toMatchObject({ error: { code: row.code } })
    expect(done).toBe('data: [DONE]')
    expect(response.headers.get('x-mesh-cache')).not.toBe('hit')
  }
  const broken = (body: Readonly<Record<string, unknown>>) =>
    'stream' in body ? brokenStream(body) : brokenJson(body)
  await inWays(row, [[{}], [STREAM], [SHARED, { ...SHARED, ...STREAM }]], broken)
  expect(sent.get(id) ?? 0).toBeLessThan(MAX_FLOOD_BYTES)
}

/** Each list in turn, all lists together; a flood's one after the other, since they would hold up one another. */
async function inWays<T>(
  row: { readonly isFlood?: true },
  ways: readonly (readonly T[])[],
  check: (body: T) => Promise<void>,
): Promise<void> {
  const inTurn = async (bodies: readonly T[]): Promise<void> => {
    for (const body of bodies) await check(body)
  }
  await (row.isFlood === true ? inTurn(ways.flat()) : Promise.all(ways.map(inTurn)))
}

type Row<T> = readonly [name: string, row: T]

function rowsOf<T>(cases: Readonly<Record<string, T>>): Row<T>[] {
  return Object.entries(cases)
}

function isFlood([, row]: Row<{ readonly isFlood?: true }>): boolean {
  return row.isFlood === true
}

function isCalm(row: Row<{ readonly isFlood?: true }>): boolean {
  return !isFlood(row)
}

function idOf(kind: string, name: string): string {
  return `${kind}-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`
}

function scriptsOf(
  kind: string,
  cases: Readonly<Record<string, { readonly script: Script }>>,
): Record<string, Script> {
  return Object.fromEntries(
    Object.entries(cases).map(([name, { script }]) => {
      const id = idOf(kind, name)
      const counted: Script = (response, request) => {
        const { socket } = response
        const before = socket?.bytesWritten ?? 0
        response.once('close', () => {
          const bytes = (socket?.bytesWritten ?? 0) - before
          sent.set(id, Math.max(bytes, sent.get(id) ?? 0))
        })
        return script(response, request)
      }
      return [id, counted]
    }),
  )
}
