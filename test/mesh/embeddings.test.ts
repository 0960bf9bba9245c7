/** Vectors are what a pool makes of each input, whatever of a batch was known before and however it is asked for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embed, embeddedByPools, requestsToPools, untilKept, type EmbedOptions } from '../support/embed.ts'
import { KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw } from '../support/raw-request.ts'

const WAIT = { timeout: 10_000 }
const OFF: EmbedOptions = { headers: { 'x-mesh-cache': 'off' } }

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({ colos: ['FRA', 'IAD'], distances: false })
})
afterAll(() => mesh.stop())

/** Texts that no other test has asked for. */
function fresh(count: number): string[] {
  unique += 1
  return Array.from({ length: count }, (_, index) => `Text ${index} of group ${unique}, with some words.`)
}

const mixed = (texts: readonly string[]) => texts.toSorted((a, b) => a.slice(6).localeCompare(b.slice(6)))

test('of a batch of 100 with 90 known, 10 are sent on, and the answer is as if all had been', async () => {
  const texts = fresh(100)
  // Every tenth is left out, so that known and unknown ones alternate.
  const known = texts.filter((_, index) => index % 10 !== 3)
  await embed(mesh, 'FRA', known)
  await untilKept(mesh, 'FRA', known)
  const before = { embedded: embeddedByPools(mesh), requests: requestsToPools(mesh) }

  const asked = texts.toReversed()
  const answer = await embed(mesh, 'FRA', asked)
  expect(answer).toMatchObject({ status: 200, word: 'miss', known: '90/100' })
  expect(answer.headers.get('cache-status')).toBe('warmpath; fwd=partial; detail="90/100"')
  expect(embeddedByPools(mesh) - before.embedded).toBe(10)
  expect(requestsToPools(mesh) - before.requests).toBe(1)

  await untilKept(mesh, 'FRA', texts)
  const whole = await embed(mesh, 'FRA', asked)
  expect(whole).toMatchObject({ word: 'hit', known: '100/100', promptTokens: answer.promptTokens })
  expect(embeddedByPools(mesh) - before.embedded).toBe(10)
  const uncached = await embed(mesh, 'FRA', asked, OFF)
  expect(uncached.word).toBe('bypass')
  expect(answer.vectors).toEqual(uncached.vectors)
  expect(whole.vectors).toEqual(uncached.vectors)
  // The two batches in which they were made said together what the one says.
  expect(answer.promptTokens).toBe(uncached.promptTokens)
})

test('what is asked for twice in a batch is sent once, answered twice and counted twice', async () => {
  const [a = '', b = ''] = fresh(2)
  const before = embeddedByPools(mesh)
  const answer = await embed(mesh, 'FRA', [a, b, a, a])
  expect(embeddedByPools(mesh) - before).toBe(2)
  expect(answer.known).toBe('0/2')
  expect(answer.vectors).toHaveLength(4)
  expect(answer.vectors[2]).toEqual(answer.vectors[0])
  expect(answer.vectors[3]).toEqual(answer.vectors[0])
  expect(answer.vectors[1]).not.toEqual(answer.vectors[0])
  const apart = await Promise.all([a, b].map((text) => embed(mesh, 'FRA', text, OFF)))
  const [ofA = 0, ofB = 0] = apart.map(({ promptTokens }) => promptTokens)
  expect(answer.promptTokens).toBe(3 * ofA + ofB)
  expect((await embed(mesh, 'FRA', [a, a], OFF)).known).toBeUndefined()
  expect(embeddedByPools(mesh) - before).toBe(5)
})

describe('both encodings', () => {
  function floatsOf(base64: string | readonly number[] | undefined): number[] {
    if (typeof base64 !== 'string') throw new Error('is no base64')
    const bytes = Buffer.from(base64, 'base64')
    return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4))
  }

  test.each([
    ['made', OFF],
    ['known', {}],
  ])('hold the same floats, of vectors that are %s', async (_name, options) => {
    const texts = fresh(3)
    await embed(mesh, 'FRA', texts)
    await untilKept(mesh, 'FRA', texts)
    const before = embeddedByPools(mesh)
    const floats = await embed(mesh, 'FRA', texts, { ...options, body: { encoding_format: 'float' } })
    const base64 = await embed(mesh, 'FRA', texts, { ...options, body: { encoding_format: 'base64' } })
    const usual = await embed(mesh, 'FRA', texts, options)
    expect(embeddedByPools(mesh) - before).toBe(options === OFF ? 9 : 0)
    expect(usual.vectors).toEqual(floats.vectors)
    for (const [index, vector] of floats.vectors.entries()) {
      if (typeof vector === 'string') throw new Error('are no floats')
      expect(vector).toHaveLength(64)
      expect(vector.map(Math.fround)).toEqual(floatsOf(base64.vectors[index]))
    }
  })
})

test('vectors of another length are other vectors', async () => {
  const texts = fresh(2)
  const lengths: unknown[] = []
  const before = embeddedByPools(mesh)
  for (const body of [{}, { dimensions: 8 }, { dimensions: 64 }]) {
    await embed(mesh, 'FRA', texts, { body })
    await untilKept(mesh, 'FRA', texts, { body })
    const { vectors } = await embed(mesh, 'FRA', texts, { body })
    lengths.push(vectors.map((vector) => vector.length))
  }
  expect(lengths).toEqual([
    [64, 64],
    [8, 8],
    [64, 64],
  ])
  expect(embeddedByPools(mesh) - before).toBe(6)
})

test('token ids are inputs as texts are, and what they count is exact', async () => {
  const lists = [[1, 2, 3], [4], [1, 2, 3, 4]]
  const answer = await embed(mesh, 'FRA', lists)
  expect(answer).toMatchObject({ status: 200, promptTokens: 8 })
  await untilKept(mesh, 'FRA', lists)
  const [, second] = lists
  expect(await embed(mesh, 'FRA', second)).toMatchObject({
    word: 'hit',
    promptTokens: 1,
    vectors: [answer.vectors[1]],
  })
})

test('an answer says who made it, and one that is known by whom it was made', async () => {
  const texts = fresh(2)
  const made = await embed(mesh, 'FRA', texts)
  const pool = made.headers.get('x-mesh-pool') ?? ''
  expect(Object.keys(mesh.engines)).toContain(pool)
  expect(made.headers.get('x-mesh-region')).toBe(pool)
  expect(made.headers.get('x-mesh-attempts')).toBe('1')
  expect(made.headers.get('x-mesh-route')).toMatch(/ms/)
  expect(made.headers.get('server-timing')).toMatch(/^pool;dur=\d+, total;dur=\d+$/)
  expect(made.headers.get('age')).toBeNull()
  await untilKept(mesh, 'FRA', texts)
  const known = await embed(mesh, 'FRA', texts)
  expect(known.headers.get('x-mesh-pool')).toBeNull()
  expect(known.headers.get('x-mesh-residency')).toBe(made.headers.get('x-mesh-residency'))
  expect(known.headers.get('server-timing')).toMatch(/^total;dur=\d+$/)
  for (const { headers } of [made, known]) {
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{24}$/)
  }
})

test('each request leaves one line, with counts and nothing of its inputs', async () => {
  const texts = fresh(2)
  const asked = async (input: unknown, options: EmbedOptions = {}) => {
    const { headers } = await embed(mesh, 'FRA', input, options)
    return headers.get('x-request-id') ?? ''
  }
  const made = await asked([...texts, ...texts])
  await untilKept(mesh, 'FRA', texts)
  const known = await asked(texts)
  const off = await asked(texts, OFF)
  const refused = await asked([])
  const lineOf = (id: string) => {
    const lines = mesh.logs.filter((line) => line.includes(id)).map((line) => JSON.parse(line) as object)
    return lines.length === 1 ? lines[0] : lines
  }
  const common = { event: 'request', surface: 'embeddings', tenant: 'demo', key: 'k1', outcome: 'completed' }
  await expect
    .poll(() => lineOf(made))
    .toMatchObject({ ...common, cache: 'miss', inputs: 4, items: 2, known: 0 })
  await expect
    .poll(() => lineOf(known))
    .toMatchObject({ ...common, cache: 'hit', inputs: 2, items: 2, known: 2 })
  await expect
    .poll(() => lineOf(off))
    .toMatchObject({ ...common, cache: 'bypass', cache_detail: 'off', prompt_tokens: expect.any(Number) })
  await expect.poll(() => lineOf(refused)).toMatchObject({ status: 400, error: 'invalid_parameter' })
  expect(mesh.logs.join('\n')).not.toContain('with some words')
})

test('a client that leaves lets its pool go', async () => {
  const engines = Object.values(mesh.engines)
  const aborted = () => engines.reduce((sum, engine) => sum + engine.stats().aborted, 0)
  const before = aborted()
  const seen = mesh.logs.length
  for (const engine of engines) engine.setFaults({ stall_after_tokens: 0 })
  const body = JSON.stringify({ model: 'story', input: fresh(2) })
  const { socket } = sendRaw(
    mesh.url('FRA'),
    postHead('/v1/embeddings', [
      `authorization: Bearer ${KEYS.demo}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
    ]) + body,
  )
  await expect.poll(() => engines.some((engine) => engine.stats().running > 0), WAIT).toBe(true)
  socket.resetAndDestroy()
  await expect.poll(aborted, { timeout: 1000, interval: 10 }).toBe(before + 1)
  const left = () => mesh.logs.slice(seen).filter((line) => line.includes('"error":"client_cancelled"'))
  await expect.poll(() => left().length, WAIT).toBe(1)
  for (const engine of engines) engine.clearFaults()
})

test('the deadline of a client holds', async () => {
  const engines = Object.values(mesh.engines)
  for (const engine of engines) engine.setFaults({ stall_after_tokens: 0 })
  const answer = await embed(mesh, 'FRA', fresh(1), { headers: { 'x-mesh-timeout-ms': '300' } })
  expect(answer).toMatchObject({ status: 504, word: 'pool_timeout' })
  for (const engine of engines) engine.clearFaults()
})

test('two batches at once are right, each in its order', async () => {
  const texts = fresh(60)
  const [one, other] = await Promise.all([embed(mesh, 'FRA', texts), embed(mesh, 'IAD', mixed(texts))])
  const byText = new Map(texts.map((text, index) => [text, one.vectors[index]]))
  expect(other.vectors).toEqual(mixed(texts).map((text) => byText.get(text)))
})
