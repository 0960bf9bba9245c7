/** A client whose connection drops comes back to its answer, from anywhere it may, and nobody else does. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, type TestMesh } from '../support/mesh.ts'
import * as resuming from '../support/resuming.ts'
import { codeOf, freshPrompt as fresh, SECOND_KEY, startResumingMesh } from '../support/resuming.ts'

const WAIT = { timeout: 10_000, interval: 20 }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startResumingMesh()
})
afterAll(() => mesh.stop())

const begin = (...rest: Rest<typeof resuming.begin>) => resuming.begin(mesh, ...rest)
const resume = (...rest: Rest<typeof resuming.resume>) => resuming.resume(mesh, ...rest)
const count = (what: Parameters<typeof resuming.countOf>[1]) => resuming.countOf(mesh, what)
type Rest<T extends (mesh: TestMesh, ...rest: never[]) => unknown> =
  Parameters<T> extends [TestMesh, ...infer R] ? R : never

async function eventsOf(response: Response): Promise<readonly string[]> {
  expect(response.status).toBe(200)
  return (await response.text()).split('\n\n').filter((event) => event !== '')
}

const KINDS = [
  ['a deterministic answer', {}, {}],
  ['a sampled one that is resumable', { temperature: 1 }, { 'x-mesh-resumable': 'true' }],
  ['one under an Idempotency-Key', { temperature: 1 }, { 'idempotency-key': 'resume-1' }],
] as const

describe.each(KINDS)('%s', (_name, body, headers) => {
  test('dropped at every tenth event is read on in another data centre, as if nothing had been', async () => {
    const usage = { stream_options: { include_usage: true } }
    for (let after = 1; after <= 61; after += 10) {
      const prompt = fresh()
      const key = 'idempotency-key' in headers ? { 'idempotency-key': prompt.replaceAll(' ', '-') } : {}
      const before = count('generations')
      const { run, events } = await begin(prompt, after, {
        body: { ...body, ...usage },
        headers: { ...headers, ...key, 'x-mesh-resumable': 'true' },
      })
      const rest = await eventsOf(await resume(run, { from: events.length }))
      const whole = await eventsOf(await resume(run))
      expect([...events, ...rest]).toEqual(whole)
      expect(whole.at(-1)).toBe('data: [DONE]')
      expect(whole.at(-2)).toContain('"completion_tokens":60')
      expect(whole.at(-3)).toContain('"finish_reason":"length"')
      expect(count('generations') - before).toBe(1)
    }
  })
})

describe('a run', () => {
  test('is read again from every event, and past its end', async () => {
    const { run, events } = await begin(fresh())
    for (const from of [0, 1, 30, events.length - 1, events.length, events.length + 5]) {
      const rest = await eventsOf(await resume(run, { from, colo: 'FRA' }))
      expect({ from, rest }).toEqual({ from, rest: events.slice(from) })
    }
  })

  test('is one JSON with its final facts, for who asks for that', async () => {
    const { run, events } = await begin(fresh())
    const response = await resume(run, { headers: { accept: 'application/json' } })
    const answer = (await response.json()) as {
      id: string
      choices: { message: { content: string }; finish_reason: string }[]
      usage: unknown
      mesh: Record<string, unknown>
    }
    const said = events
      .filter((event) => event.startsWith('data: {'))
      .map(
        (event) => JSON.parse(event.slice(6)) as { id: string; choices: { delta: { content?: string } }[] },
      )
    expect(answer.choices[0]?.message.content).toBe(
      said.map(({ choices }) => choices[0]?.delta.content ?? '').join(''),
    )
    expect(new Set(said.map(({ id }) => id))).toEqual(new Set([answer.id]))
    expect(answer.choices[0]?.finish_reason).toBe('length')
    expect(answer.usage).toMatchObject({ completion_tokens: 60 })
    expect(answer.mesh).toMatchObject({ outcome: 'completed', attempts: 1 })
    expect(answer.mesh['pools']).toHaveLength(1)
  })

  test('is nobody else’s: not another key’s, not another tenant’s, not a forger’s', async () => {
    const { run } = await begin(fresh())
    const notFound = [404, 'run_not_found']
    expect(await codeOf(await resume(run, { key: SECOND_KEY }))).toEqual(notFound)
    expect(await codeOf(await resume(run, { key: KEYS['eu-bank'], colo: 'FRA' }))).toEqual(notFound)
    const forged = run.slice(0, -1) + (run.endsWith('A') ? 'B' : 'A')
    expect(await codeOf(await resume(forged))).toEqual(notFound)
    expect(await codeOf(await resume('run_'))).toEqual(notFound)
    expect(await codeOf(await resume('run_%00'))).toEqual(notFound)
    expect(await codeOf(await resume('x'.repeat(4000)))).toEqual(notFound)
    expect(await codeOf(await resume(run, { key: 'sk-mesh-demo-nobody' }))).toEqual([401, 'invalid_api_key'])
    expect(await eventsOf(await resume(run))).toHaveLength(62)
  })

  test('is refused where it may not be read, as its request would be', async () => {
    const { run } = await begin(fresh(), undefined, { tenant: 'eu-bank' })
    const key = KEYS['eu-bank']
    expect(await codeOf(await resume(run, { key, colo: 'SIN' }))).toEqual([403, 'termination_not_allowed'])
    const us = { key, colo: 'FRA', headers: { 'x-mesh-residency': 'us' } }
    expect(await codeOf(await resume(run, us))).toEqual([403, 'residency_violation'])
    expect((await resume(run, { key, colo: 'FRA' })).status).toBe(200)
  })

  test('ends with its time to live', async () => {
    const { run } = await begin(fresh(), undefined, {
      body: { temperature: 1 },
      headers: { 'x-mesh-resumable': 'true' },
    })
    expect((await resume(run)).status).toBe(200)
    await expect.poll(async () => (await resume(run)).status, WAIT).toBe(404)
  })

  test('ends with a purge', async () => {
    const { run } = await begin(fresh())
    const purge = await mesh.fetch('FRA', '/admin/v1/tenants/demo/purge', {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    expect(purge.status).toBe(200)
    expect(await codeOf(await resume(run))).toEqual([404, 'run_not_found'])
  })

  test.each([
    ['a fraction', '1.5'],
    ['a negative number', '-1'],
    ['a word', 'all'],
    ['nothing', ''],
    ['a number too large', '99999999999'],
  ])('from %s is refused', async (_name, from) => {
    const { run } = await begin(fresh())
    const response = await mesh.fetch('FRA', `/v1/generations/${run}?from=${from}`, {
      headers: { authorization: `Bearer ${KEYS.demo}` },
    })
    expect(await codeOf(response)).toEqual([400, 'invalid_parameter'])
  })

  test('takes no other method', async () => {
    const response = await mesh.fetch('FRA', '/v1/generations/run_x', { method: 'POST' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, DELETE'])
  })
})
