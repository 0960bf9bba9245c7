/** What a client calls a request by itself: sent again it is the same request, and gets the same answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat } from '../support/chat.ts'
import type { TestMesh } from '../support/mesh.ts'
import {
  codeOf,
  countOf,
  freshPrompt as fresh,
  SECOND_KEY,
  startResumingMesh,
  STORY,
} from '../support/resuming.ts'

const WAIT = { timeout: 10_000, interval: 20 }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startResumingMesh()
})
afterAll(() => mesh.stop())

const count = (what: Parameters<typeof countOf>[1]) => countOf(mesh, what)

describe('an Idempotency-Key', () => {
  const sampled = { temperature: 1, max_tokens: 12, stream: false }

  function ask(prompt: string, key: string, body: object = {}, colo = 'FRA'): Promise<Response> {
    return chat(mesh, colo, prompt, {
      body: { ...STORY, ...sampled, ...body },
      headers: { 'idempotency-key': key },
    })
  }

  const textOf = async (response: Response): Promise<unknown> => {
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
    return choices[0]?.message.content
  }

  test('makes a sampled answer the same again, wherever it is asked', async () => {
    const prompt = fresh()
    const before = count('generations')
    const first = await textOf(await ask(prompt, 'again'))
    const second = await ask(prompt, 'again', {}, 'SIN')
    expect(second.headers.get('x-mesh-cache')).toBe('hit')
    expect(await textOf(second)).toBe(first)
    expect(count('generations') - before).toBe(1)
    const other = await ask(prompt, 'other')
    expect(other.headers.get('x-mesh-cache')).toBe('bypass')
    await other.text()
    // Sampled anew; that it says something else is likely, and no more.
    expect(count('generations') - before).toBe(2)
  })

  test.each([
    ['another message', { messages: [{ role: 'user', content: 'Something else' }] }],
    ['another limit', { max_tokens: 13 }],
    ['another temperature', { temperature: 0.5 }],
  ])('with %s is a conflict that is not to be retried', async (_name, body) => {
    const prompt = fresh()
    const key = prompt.replaceAll(' ', '-')
    await textOf(await ask(prompt, key))
    const conflict = await ask(prompt, key, body)
    expect(conflict.headers.get('x-should-retry')).toBe('false')
    expect(await codeOf(conflict)).toEqual([409, 'idempotency_key_conflict'])
  })

  test('is one key’s own', async () => {
    const prompt = fresh()
    const key = prompt.replaceAll(' ', '-')
    await textOf(await ask(prompt, key))
    const others = await chat(mesh, 'FRA', 'Another question of another key', {
      body: { ...STORY, ...sampled },
      headers: { 'idempotency-key': key, authorization: `Bearer ${SECOND_KEY}` },
    })
    expect(others.status).toBe(200)
    await others.text()
  })

  test('lets a run that failed be run again, and never repeats an error', async () => {
    const prompt = fresh()
    const key = prompt.replaceAll(' ', '-')
    for (const engine of Object.values(mesh.engines)) engine.setFaults({ die_after_tokens: 3 })
    expect((await ask(prompt, key)).status).toBe(502)
    for (const engine of Object.values(mesh.engines)) engine.clearFaults()
    await expect.poll(async () => (await ask(prompt, key)).status, WAIT).toBe(200)
  })
})
