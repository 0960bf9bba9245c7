/** How long a generation goes on for a client that has left, and for how many of a key. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KEYS } from '../support/mesh-config.ts'
import type { TestMesh } from '../support/mesh.ts'
import * as resuming from '../support/resuming.ts'
import { freshPrompt as fresh, SECOND_KEY, startResumingMesh } from '../support/resuming.ts'

const WAIT = { timeout: 10_000, interval: 20 }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startResumingMesh()
})
afterAll(() => mesh.stop())
beforeEach(() => {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
})

function slow(factor: number): void {
  for (const engine of Object.values(mesh.engines)) engine.setFaults({ slow_factor: factor })
}

const begin = (...rest: Rest<typeof resuming.begin>) => resuming.begin(mesh, ...rest)
const resume = (...rest: Rest<typeof resuming.resume>) => resuming.resume(mesh, ...rest)
const count = (what: Parameters<typeof resuming.countOf>[1]) => resuming.countOf(mesh, what)
type Rest<T extends (mesh: TestMesh, ...rest: never[]) => unknown> =
  Parameters<T> extends [TestMesh, ...infer R] ? R : never

async function eventsOf(response: Response): Promise<readonly string[]> {
  expect(response.status).toBe(200)
  return (await response.text()).split('\n\n').filter((event) => event !== '')
}

describe('a client that has left', () => {
  const RESUMABLE = { headers: { 'x-mesh-resumable': 'true' }, body: { temperature: 1, max_tokens: 400 } }

  test('is waited for if it said so', async () => {
    const aborted = count('aborted')
    const { run, events } = await begin(fresh(), 3, RESUMABLE)
    expect(count('running')).toBe(1)
    const rest = await eventsOf(await resume(run, { from: events.length }))
    expect(rest.at(-1)).toBe('data: [DONE]')
    expect(events.length + rest.length).toBe(402)
    expect(count('aborted')).toBe(aborted)
  })

  test('is not waited for otherwise', async () => {
    const aborted = count('aborted')
    await begin(fresh(), 3, { body: { max_tokens: 400 } })
    await expect.poll(() => [count('running'), count('aborted') - aborted], WAIT).toEqual([0, 1])
  })

  test('is waited for no longer than it may be', async () => {
    slow(40)
    const aborted = count('aborted')
    const { run } = await begin(fresh(), 3, RESUMABLE)
    expect(count('running')).toBe(1)
    await expect.poll(() => [count('running'), count('aborted') - aborted], WAIT).toEqual([0, 1])
    const rest = await eventsOf(await resume(run))
    expect(rest.at(-2)).toContain('"error"')
  })

  test('lets go with DELETE', async () => {
    slow(40)
    const aborted = count('aborted')
    const { run } = await begin(fresh(), 3, RESUMABLE)
    const detach = (key: string) =>
      mesh.fetch('SIN', `/v1/generations/${run}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${key}` },
      })
    expect((await detach(SECOND_KEY)).status).toBe(404)
    expect(count('running')).toBe(1)
    expect((await detach(KEYS.demo)).status).toBe(204)
    await expect.poll(() => [count('running'), count('aborted') - aborted], WAIT).toEqual([0, 1])
  })

  test('is one of as many as its key may have', async () => {
    slow(40)
    const aborted = count('aborted')
    for (let number = 0; number < 4; number += 1) await begin(fresh(), 2, RESUMABLE)
    await expect.poll(() => [count('running'), count('aborted') - aborted], WAIT).toEqual([2, 2])
    await expect.poll(() => count('running'), WAIT).toBe(0)
  })
})
