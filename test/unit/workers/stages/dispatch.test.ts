/** Pools are asked in turn until one begins to answer; whatever happens, nothing is left in flight. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { delta, DONE, finish, wholeAnswer } from '../../../support/pool-events.ts'
import { aDispatch, must, pendingOf, POOLS, run, type DispatchSetUp } from '../a-dispatch.ts'
import { aRanking } from '../a-ranking.ts'

/** What a pool does when it is asked. */
type Script = () => Response | Promise<Response>

const sse = (text: string): Response =>
  new Response(text, { headers: { 'content-type': 'text/event-stream' } })
/** The error comes with the next read: one that came at once would take the text away with it. */
function brokenOff(text: string): Response {
  const chunks = text === '' ? [] : [new TextEncoder().encode(text)]
  return new Response(
    new ReadableStream(
      {
        pull(controller) {
          const chunk = chunks.shift()
          if (chunk === undefined) controller.error(new TypeError('connection lost'))
          else controller.enqueue(chunk)
        },
      },
      { highWaterMark: 0 },
    ),
  )
}

const SCRIPTS = {
  answers: () => sse(wholeAnswer('Hello')),
  unreachable: () => Promise.reject(new TypeError('refused')),
  redirects: () => new Response(null, { status: 307, headers: { location: 'http://elsewhere.test' } }),
  'is full': () => new Response('{}', { status: 429, headers: { 'retry-after': '7' } }),
  'is broken': () => new Response('oops', { status: 500 }),
  'ends without a token': () => sse(DONE),
  'errs before a token': () => sse(`data: {"error":{"message":"no"}}\n\n${DONE}`),
  'breaks before a token': () => brokenOff(''),
  'breaks after a token': () => brokenOff(delta('He')),
  'stops half-way': () => sse(delta('He')),
  'refuses the request': () => new Response('{}', { status: 400 }),
  'does not know us': () => new Response('{}', { status: 401 }),
  'answers with nothing': () => sse(finish('stop') + DONE),
} satisfies Record<string, Script>
type ScriptName = keyof typeof SCRIPTS

/** Each pool, in the order of `POOLS`, does what its script says. */
function setUp(scripts: readonly ScriptName[]): DispatchSetUp {
  return aDispatch((pool) => SCRIPTS[scripts[POOLS.indexOf(pool)] ?? 'answers']())
}

describe('when the nearest pool', () => {
  const MOVES_ON = ['unreachable', 'redirects', 'is full', 'is broken', 'ends without a token'] as const
  test.each([...MOVES_ON, 'errs before a token', 'breaks before a token'] as const)(
    '%s, the next one is asked, and says how often',
    async (script) => {
      const mesh = setUp([script, 'answers', 'answers'])
      const dispatched = await run(mesh)
      expect(mesh.asked).toEqual(['eu-central', 'us-east'])
      expect(dispatched).toMatchObject({ ok: true, value: { attempts: 2 } })
    },
  )

  test.each([
    ['refuses the request', 'pool_rejected_request'],
    ['does not know us', 'pool_misconfigured'],
  ] as const)('%s, no other is asked', async (script, reason) => {
    const mesh = setUp([script, 'answers', 'answers'])
    expect(await run(mesh)).toMatchObject({ ok: false, error: { reason } })
    expect(mesh.asked).toEqual(['eu-central'])
  })

  test.each(['breaks after a token', 'stops half-way', 'answers with nothing'] as const)(
    '%s, it has begun, and no other is asked',
    async (script) => {
      const mesh = setUp([script, 'answers', 'answers'])
      expect((await run(mesh)).ok).toBe(true)
      expect(mesh.asked).toEqual(['eu-central'])
    },
  )
})

test('when all are full, the client hears how long the first of them asked to be left alone', async () => {
  const mesh = setUp(['is full', 'is full', 'is full'])
  expect(await run(mesh)).toEqual({ ok: false, error: { reason: 'no_eligible_pool', retryAfterSeconds: 7 } })
})

describe('a pool that has said for how long it wants to be left alone', () => {
  function rejectedIn({ config, view, runtime }: DispatchSetUp, key: string): readonly string[] {
    const { rejected } = aRanking(config, { key, nowMs: runtime.now(), states: view.all })
    return rejected.map(({ pool, reason }) => `${pool} ${reason}`)
  }

  test('is left alone for so long by the key that it told so, and by no other', async () => {
    const mesh = setUp(['is full', 'answers', 'answers'])
    await run(mesh)
    mesh.runtime.advance(6999)
    expect(rejectedIn(mesh, 'demo/k1')).toEqual(['eu-central saturated'])
    expect(rejectedIn(mesh, 'demo/k2')).toEqual([])
    mesh.runtime.advance(1)
    expect(rejectedIn(mesh, 'demo/k1')).toEqual([])
  })
})

test('what a pool has counted of an answer is told, but not of one that another has begun', async () => {
  async function servedOf(begun?: { text: string; tokens: number }) {
    const mesh = setUp(['answers', 'answers', 'answers'])
    const dispatched = await run(mesh, begun === undefined ? {} : { begun })
    const { answer, first } = must(dispatched.ok ? dispatched.value : undefined)
    let { outcome } = first
    while (outcome === undefined) ({ outcome } = await answer.next())
    expect(outcome).toBe('completed')
    return mesh.view.takeReport().observations.find(({ kind }) => kind === 'served')
  }
  expect(await servedOf()).toMatchObject({ promptTokens: 5, completionTokens: 1 })
  const goneOn = await servedOf({ text: 'Well. ', tokens: 2 })
  expect(goneOn).toMatchObject({ kind: 'served', pool: 'eu-central' })
  expect(goneOn).not.toHaveProperty('promptTokens')
  expect(goneOn).not.toHaveProperty('completionTokens')
})

test('a client that has left starts nothing', async () => {
  const mesh = setUp(['answers', 'answers', 'answers'])
  expect(await run(mesh, { signal: AbortSignal.abort() })).toMatchObject({
    error: { reason: 'client_cancelled' },
  })
  expect(mesh.asked).toEqual([])
})

test('whatever pools do and clients drop, no dispatch is counted as in flight afterwards', async () => {
  const names = Object.keys(SCRIPTS) as ScriptName[]
  const script = fc.constantFrom(...names)
  await fc.assert(
    fc.asyncProperty(fc.tuple(script, script, script), fc.nat(4), async (scripts, readSteps) => {
      const mesh = setUp(scripts)
      const dispatched = await run(mesh)
      if (dispatched.ok) {
        let { outcome } = dispatched.value.first
        for (let step = 0; step < readSteps && outcome === undefined; step += 1) {
          ;({ outcome } = await dispatched.value.answer.next())
        }
        if (outcome === undefined) dispatched.value.answer.cancel()
      }
      expect(pendingOf(mesh)).toBe(0)
      expect(mesh.asked.length).toBeLessThanOrEqual(3)
      expect(new Set(mesh.asked).size).toBe(mesh.asked.length)
    }),
    { numRuns: 300 },
  )
})
