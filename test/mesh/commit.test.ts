/** A stream whose answer is long in coming begins without it, stays alive, and tells in-band whatever happens then. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw } from '../support/raw-request.ts'

const COMMIT_AFTER_MS = 300
const FIRST_TOKEN_MS = 1500
/** The promise: so long after the runtime has noticed. */
const WITHIN_MS = 1000
const WAIT = { timeout: 10_000, interval: 10 }
const SHORT = { keep_alive_ms: 100, first_token_ms: FIRST_TOKEN_MS }
const PATHS = [
  ['private', { 'x-mesh-cache': 'off' }],
  ['shared', {}],
] as const

function startSlowMesh(limits: Readonly<Record<string, number>>): Promise<TestMesh> {
  return startMesh({ colos: ['FRA'], distances: false, config: slowConfig(limits) })
}

function slowConfig(limits: Readonly<Record<string, number>>) {
  return (urls: Readonly<Record<string, string>>) =>
    aMeshConfig(urls, { limits: { commit_after_ms: COMMIT_AFTER_MS, ...limits } })
}

/** Nothing comes from any pool; the connections stay open. */
function hangAll(mesh: TestMesh): void {
  for (const engine of Object.values(mesh.engines)) engine.setFaults({ stall_after_tokens: 0 })
}

/** Only generations that have begun hang on. */
function mend(mesh: TestMesh): void {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
}

function count(mesh: TestMesh, what: 'requests' | 'running' | 'aborted'): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats()[what], 0)
}

async function lineOf(mesh: TestMesh, response: Response): Promise<Record<string, unknown>> {
  const id = response.headers.get('x-request-id') ?? 'none'
  const lines = () => mesh.logs.filter((line) => line.includes(id))
  await expect.poll(() => lines().length, WAIT).toBe(1)
  return JSON.parse(lines()[0] ?? '') as Record<string, unknown>
}

/** What an SDK would be given of it: comments are passed over. */
function eventsOf(text: string): readonly string[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .filter((block) => !block.startsWith(':'))
    .map((block) => block.replace(/^data: /, ''))
}

function textOf(events: readonly string[]): string {
  return events
    .slice(0, -1)
    .map((event) => JSON.parse(event) as { choices?: { delta: { content?: string } }[] })
    .map(({ choices }) => choices?.[0]?.delta.content ?? '')
    .join('')
}

describe('a stream that waits for its answer', () => {
  let mesh: TestMesh
  beforeAll(async () => {
    mesh = await startSlowMesh(SHORT)
  })
  afterEach(() => mend(mesh))
  afterAll(() => mesh.stop())

  test.each(PATHS)('has its status, and what is known, before its answer (%s)', async (path, headers) => {
    hangAll(mesh)
    const askedAtMs = performance.now()
    const leaving = new AbortController()
    const response = await chat(mesh, 'FRA', `Early ${path}`, {
      tenant: 'eu-bank',
      headers,
      body: { temperature: 0, stream: true },
      signal: leaving.signal,
    })
    expect(performance.now() - askedAtMs).toBeGreaterThan(COMMIT_AFTER_MS - 50)
    expect(count(mesh, 'running')).toBe(1)
    expect(response.status).toBe(200)
    const early = Object.fromEntries(response.headers)
    expect(early).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-request-id': expect.stringMatching(/^req_/),
      'x-mesh-config': expect.stringMatching(/\w/),
      'x-mesh-residency': 'eu; restricted',
    })
    const meshHeaders = Object.keys(early).filter((name) => /^x-mesh|cache-status|age|timing/.test(name))
    const expected = ['x-mesh-config', 'x-mesh-residency', ...(path === 'shared' ? ['x-mesh-run'] : [])]
    expect(meshHeaders.toSorted()).toEqual(expected)
    const reader = response.body?.getReader()
    for (let comment = 0; comment < 3; comment += 1) {
      expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(': keep-alive\n\n')
    }
    leaving.abort()
    await expect.poll(() => count(mesh, 'running'), WAIT).toBe(0)
  })

  test.each(PATHS)('hears in-band that no pool has answered (%s)', async (path, headers) => {
    hangAll(mesh)
    const response = await chat(mesh, 'FRA', `Never ${path}`, {
      tenant: 'eu-bank',
      headers,
      body: { temperature: 0, stream: true },
    })
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(text.startsWith(': keep-alive\n\n')).toBe(true)
    const [error, done, ...more] = eventsOf(text)
    expect(JSON.parse(error ?? '')).toMatchObject({
      object: 'chat.completion.chunk',
      model: 'story',
      error: { code: 'pool_timeout', type: 'server_error' },
    })
    expect([done, more]).toEqual(['[DONE]', []])
    expect(await lineOf(mesh, response)).toMatchObject({
      status: 200,
      error: 'pool_timeout',
      outcome: 'pool_timeout',
      tenant: 'eu-bank',
      stream: true,
    })
  })

  test.each(PATHS)('is a stream like any other when its answer comes (%s)', async (path, headers) => {
    const options = { headers, body: { temperature: 0, stream: true, max_tokens: 20 } }
    const quick = await chat(mesh, 'FRA', `Slow ${path}`, {
      ...options,
      headers: { 'x-mesh-cache': 'off' },
    })
    expect(quick.headers.get('x-mesh-pool')).not.toBeNull()
    const expected = textOf(eventsOf(await quick.text()))

    hangAll(mesh)
    const response = await chat(mesh, 'FRA', `Slow ${path}`, options)
    expect(response.headers.get('x-mesh-pool')).toBeNull()
    // The pool that hangs is given up; the next one answers.
    mend(mesh)
    const text = await response.text()
    expect(text.startsWith(': keep-alive\n\n')).toBe(true)
    const events = eventsOf(text)
    expect(textOf(events)).toBe(expected)
    expect(events.at(-1)).toBe('[DONE]')
    expect(await lineOf(mesh, response)).toMatchObject({
      status: 200,
      outcome: 'completed',
      attempts: 2,
      completion_tokens: 20,
    })
  })

  test.each(PATHS)('is kept alive when its answer stops in the middle (%s)', async (path, headers) => {
    for (const engine of Object.values(mesh.engines)) engine.setFaults({ stall_after_tokens: 3 })
    const leaving = new AbortController()
    const response = await chat(mesh, 'FRA', `Middle ${path}`, {
      headers,
      body: { temperature: 0, stream: true },
      signal: leaving.signal,
    })
    expect(response.headers.get('x-mesh-pool')).not.toBeNull()
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk)
      if (text.endsWith(': keep-alive\n\n: keep-alive\n\n')) break
    }
    expect(textOf([...eventsOf(text), ''])).toMatch(/\w/)
    leaving.abort()
    await expect.poll(() => count(mesh, 'running'), WAIT).toBe(0)
  })

  test('and one that is not a stream keeps its status', async () => {
    // Nothing is known of the pools: those that have hung for several keys are not asked at all.
    await mesh.restart(slowConfig(SHORT))
    hangAll(mesh)
    const response = await chat(mesh, 'FRA', 'Not a stream', { tenant: 'eu-bank' })
    expect(response.status).toBe(504)
    expect(await response.json()).toMatchObject({ error: { code: 'pool_timeout' } })
  })

  test('and one that is refused at once has a status too', async () => {
    hangAll(mesh)
    const response = await chat(mesh, 'FRA', 'Nowhere', {
      headers: { 'x-mesh-residency': 'nowhere' },
      body: { stream: true },
    })
    expect(response.status).toBe(403)
  })
})

describe('a client that leaves while its stream waits', () => {
  let mesh: TestMesh
  beforeAll(async () => {
    // So rarely that no comment helps to notice it.
    mesh = await startSlowMesh({ keep_alive_ms: 600_000 })
  })
  afterAll(() => mesh.stop())

  test.each(PATHS)('takes its generation with it (%s)', async (path, headers) => {
    hangAll(mesh)
    const aborted = count(mesh, 'aborted')
    const seen = mesh.logs.length
    const body = JSON.stringify({
      model: 'story',
      messages: [{ role: 'user', content: `Leaving ${path}` }],
      stream: true,
      temperature: 0,
    })
    const head = postHead('/v1/chat/completions', [
      `authorization: Bearer ${KEYS.demo}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
      ...Object.entries(headers).map((header) => header.join(': ')),
    ])
    const request = sendRaw(mesh.url('FRA'), head + body)
    await expect.poll(request.received, WAIT).toContain(': keep-alive')
    expect(count(mesh, 'running')).toBe(1)
    request.socket.resetAndDestroy()
    const state = () => ({ running: count(mesh, 'running'), aborted: count(mesh, 'aborted') - aborted })
    await expect.poll(state, { timeout: WITHIN_MS, interval: 10 }).toEqual({ running: 0, aborted: 1 })
    const lines = () => mesh.logs.slice(seen)
    await expect.poll(() => lines().length, WAIT).toBe(1)
    expect(JSON.parse(lines()[0] ?? '')).toMatchObject({
      event: 'request',
      status: 200,
      outcome: 'client_cancelled',
      tenant: 'demo',
    })
    const admin = await mesh.fetch('FRA', '/admin/v1/pools', {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    const { pools } = (await admin.json()) as { pools: { pending: number }[] }
    expect(pools.map(({ pending }) => pending)).toEqual([0, 0, 0])
  })
})
