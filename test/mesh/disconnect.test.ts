/** A client that leaves takes its generation with it, unless somebody else still reads it; and nothing stays behind. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readAnswer } from '../support/answer.ts'
import { chat } from '../support/chat.ts'
import { KEYS } from '../support/mesh-config.ts'
import { ADMIN_TOKEN, startMesh, type TestMesh } from '../support/mesh.ts'
import { postHead, sendRaw, type RawRequest } from '../support/raw-request.ts'

/** The promise: so long after the runtime has noticed. */
const WITHIN_MS = 1000
const WAIT = { timeout: 10_000, interval: 10 }

let mesh: TestMesh
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA', 'AMS'],
    distances: false,
    engine: { prefillOverheadMs: 500, interTokenLatencyMs: 20, maxNumSeqs: 64 },
  })
})
afterAll(async () => mesh.stop())
afterEach(() => {
  for (const engine of Object.values(mesh.engines)) engine.clearFaults()
})

type Count = 'requests' | 'running' | 'aborted' | 'tokens_generated'

/** Of all pools together. */
function count(what: Count): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats()[what], 0)
}

function stallAll(afterTokens: number): void {
  for (const engine of Object.values(mesh.engines)) engine.setFaults({ stall_after_tokens: afterTokens })
}

interface Asking {
  readonly content: string
  readonly stream: boolean
  readonly shared: boolean
  readonly maxTokens?: number
  readonly colo?: string
}

function ask({ content, stream, shared, maxTokens = 400, colo = 'FRA' }: Asking): RawRequest {
  const body = JSON.stringify({
    model: 'story',
    messages: [{ role: 'user', content }],
    max_tokens: maxTokens,
    stream,
    temperature: shared ? 0 : 1,
  })
  const lines = [
    `authorization: Bearer ${KEYS.demo}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  return sendRaw(mesh.url(colo), postHead('/v1/chat/completions', lines) + body)
}

async function expectAborted(times: number, before: { readonly aborted: number }): Promise<void> {
  const state = () => ({ running: count('running'), aborted: count('aborted') - before.aborted })
  await expect.poll(state, { timeout: WITHIN_MS, interval: 10 }).toEqual({ running: 0, aborted: times })
}

/** Slots that the isolate of a data centre believes to be taken. */
async function pending(colo = 'FRA'): Promise<number> {
  const response = await mesh.fetch(colo, '/admin/v1/pools', {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  const { pools } = (await response.json()) as { pools: readonly { pending: number }[] }
  return pools.reduce((sum, pool) => sum + pool.pending, 0)
}

function cancelledSince(seen: number): readonly string[] {
  return mesh.logs.slice(seen).filter((line) => line.includes('"outcome":"client_cancelled"'))
}

const PATHS = [
  ['private', false],
  ['shared', true],
] as const
const FORMS = [
  ['a stream', true],
  ['one JSON', false],
] as const
const ROWS = PATHS.flatMap(([path, shared]) =>
  FORMS.map(([form, stream]) => [form, path, { shared, stream }] as const),
)

describe('a client of its own generation', () => {
  test.each(ROWS)('that waits for %s on the %s path and leaves before the first token', async (...row) => {
    const [form, path, how] = row
    stallAll(0)
    const before = { aborted: count('aborted') }
    const seen = mesh.logs.length
    const request = ask({ ...how, content: `Before ${form} ${path}` })
    await expect.poll(() => count('running'), WAIT).toBe(1)
    request.socket.resetAndDestroy()
    await expectAborted(1, before)
    expect(request.received()).toBe('')
    await expect.poll(() => cancelledSince(seen).length, WAIT).toBe(1)
    expect(await pending()).toBe(0)
  })

  test.each(ROWS)('that reads %s on the %s path and leaves in the middle', async (...row) => {
    const [form, path, how] = row
    const before = { aborted: count('aborted') }
    const seen = mesh.logs.length
    const generated = count('tokens_generated')
    const request = ask({ ...how, content: `Middle ${form} ${path}` })
    await expect.poll(() => count('tokens_generated') - generated, WAIT).toBeGreaterThan(5)
    if (how.stream) await expect.poll(request.received, WAIT).toContain('"content"')
    request.socket.resetAndDestroy()
    await expectAborted(1, before)
    await expect.poll(() => cancelledSince(seen).length, WAIT).toBe(1)
    expect(await pending()).toBe(0)
  })

  test.each(PATHS)('that closes its stream on the %s path politely is noticed too', async (path, shared) => {
    const before = { aborted: count('aborted') }
    const request = ask({ stream: true, shared, content: `Politely ${path}` })
    await expect.poll(request.received, WAIT).toContain('"content"')
    request.socket.destroy()
    await expectAborted(1, before)
    expect(await pending()).toBe(0)
  })

  test.each(ROWS)('whose deadline for %s on the %s path passes', async (...row) => {
    const [form, path, { shared, stream }] = row
    stallAll(0)
    const before = { aborted: count('aborted') }
    const response = await chat(mesh, 'FRA', `Deadline ${form} ${path}`, {
      headers: { 'x-mesh-timeout-ms': '300' },
      body: { stream, temperature: shared ? 0 : 1 },
    })
    expect(response.status).toBe(504)
    expect(await response.json()).toMatchObject({ error: { code: 'pool_timeout' } })
    await expectAborted(1, before)
    expect(await pending()).toBe(0)
  })

  test.each(ROWS)('whose answer as %s on the %s path was cut leaves at most a beginning', async (...row) => {
    const [form, path, how] = row
    const content = `Cut ${form} ${path}`
    const before = { aborted: count('aborted') }
    const generated = count('tokens_generated')
    const request = ask({ ...how, content, maxTokens: 40 })
    await expect.poll(() => count('tokens_generated') - generated, WAIT).toBeGreaterThan(2)
    request.socket.resetAndDestroy()
    await expectAborted(1, before)
    const body = { max_tokens: 40, temperature: how.shared ? 0 : 1 }
    const again = await readAnswer(await chat(mesh, 'FRA', content, { body }))
    expect(again).toMatchObject({
      status: 200,
      word: how.shared ? 'extended' : 'bypass',
      finish: 'length',
      usage: { completion_tokens: 40 },
    })
    if (!how.shared) return
    const uninterrupted = await chat(mesh, 'FRA', content, { body, headers: { 'x-mesh-cache': 'off' } })
    expect(again.text).toBe((await readAnswer(uninterrupted)).text)
  })
})

describe('of two clients of the same generation', () => {
  const pairs = FORMS.flatMap(([first, isFirstStream]) =>
    FORMS.map(([second, isSecondStream]) => [first, second, isFirstStream, isSecondStream] as const),
  )
  /** The second client comes from another data centre of the region. */
  async function both(content: string, streams: readonly [boolean, boolean], maxTokens: number) {
    const requests = count('requests')
    const [stream, otherStream] = streams
    const first = ask({ content, shared: true, stream, maxTokens })
    await expect.poll(() => count('running'), WAIT).toBe(1)
    const second = ask({ content, shared: true, stream: otherStream, maxTokens, colo: 'AMS' })
    return { first, second, requestsBefore: requests }
  }

  test.each(pairs)(
    'the one that began leaves (%s) before the first token, the other has it all (%s)',
    async (...row) => {
      const [form, otherForm, stream, otherStream] = row
      const end = otherStream ? 'data: [DONE]' : '"completion_tokens":20'
      let hasJoined = false
      // When the other joins cannot be seen from outside; if it came too late, it has made an answer of its own.
      for (let attempt = 0; attempt < 5 && !hasJoined; attempt += 1) {
        const aborted = count('aborted')
        const content = `Left early ${form} ${otherForm} ${attempt}`
        const { first, second, requestsBefore } = await both(content, [stream, otherStream], 20)
        const seen = mesh.logs.length
        await second.sent
        await pending('AMS')
        first.socket.resetAndDestroy()
        await expect.poll(() => cancelledSince(seen).length, WAIT).toBe(1)
        await expect.poll(second.received, WAIT).toContain(end)
        second.socket.destroy()
        hasJoined = second.received().includes('x-mesh-cache: coalesced')
        const asked = { requests: count('requests') - requestsBefore, aborted: count('aborted') - aborted }
        expect(asked).toEqual(hasJoined ? { requests: 1, aborted: 0 } : { requests: 2, aborted: 1 })
      }
      expect(hasJoined).toBe(true)
    },
  )

  test.each(pairs)(
    'one leaves (%s) in the middle, the generation goes on; both do (%s), it ends',
    async (...row) => {
      const [form, otherForm, stream, otherStream] = row
      const before = { aborted: count('aborted') }
      const content = `One, then both ${form} ${otherForm}`
      const { first, second, requestsBefore } = await both(content, [stream, otherStream], 2000)
      const third = ask({ content, shared: true, stream: true, maxTokens: 2000 })
      await expect.poll(third.received, WAIT).toContain('"content"')
      await expect.poll(third.received, WAIT).toContain('x-mesh-cache: coalesced')
      if (otherStream) await expect.poll(second.received, WAIT).toContain('x-mesh-cache: coalesced')

      const seen = mesh.logs.length
      first.socket.resetAndDestroy()
      await expect.poll(() => cancelledSince(seen).length, WAIT).toBe(1)
      second.socket.resetAndDestroy()
      await expect.poll(() => cancelledSince(seen).length, WAIT).toBe(2)
      // Long enough after that an abort would have come: the third reads on.
      const read = third.received().length
      await expect.poll(() => third.received().length, WAIT).toBeGreaterThan(read + 5000)
      expect({ running: count('running'), aborted: count('aborted') }).toEqual({ running: 1, ...before })
      expect(count('requests') - requestsBefore).toBe(1)

      third.socket.resetAndDestroy()
      await expectAborted(1, before)
    },
  )
})

test('fifty clients that leave at any moment leave no slot taken', async () => {
  const before = { aborted: count('aborted') }
  const requests = Array.from({ length: 50 }, (_, index) =>
    ask({ content: `Crowd ${index}`, stream: index % 2 === 0, shared: index % 4 < 2 }),
  )
  await expect.poll(() => count('running'), WAIT).toBe(50)
  // Half of them before the first token, the others after.
  for (const request of requests.slice(0, 25)) request.socket.resetAndDestroy()
  await expect
    .poll(() => requests.slice(25).filter((r) => r.received().includes('"content"')).length, WAIT)
    .toBe(12)
  for (const request of requests.slice(25)) request.socket.resetAndDestroy()
  await expectAborted(50, before)
  await expect.poll(() => pending(), WAIT).toBe(0)

  const response = await chat(mesh, 'FRA', 'Is there room?', { body: { max_tokens: 2 } })
  expect(response.status, await response.text()).toBe(200)
})
