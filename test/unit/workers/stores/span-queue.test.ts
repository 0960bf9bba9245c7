/** Spans on their way: in batches, repeated where that may help, bounded, and counted where they are given up. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Region } from '../../../../shared/schema/mesh.ts'
import type { Span } from '../../../../shared/telemetry/span.ts'
import type { ExporterTarget } from '../../../../workers/outgoing/exporter-target.ts'
import { createRequestCounts } from '../../../../workers/stores/request-counts.ts'
import {
  createSpanQueue,
  MAX_BATCH_SPANS,
  MAX_HELD_SPANS,
  SPAN_BATCH_MS,
} from '../../../../workers/stores/span-queue.ts'
import { aMesh } from '../../residency/a-mesh.ts'
import { aRuntime } from '../a-runtime.ts'

const HOME = regionOf('eu-central')
const AWAY = regionOf('us-east')
const TARGET = aTarget('one')

interface Post {
  readonly url: string
  readonly names: readonly string[]
  readonly headers: unknown
  readonly redirect: string | undefined
}

type Answer = number | 'never' | 'broken'

/** `answers`: what each post comes to, in order; 200 when there are no more. */
function aQueue(answers: Answer[] = []) {
  const posts: Post[] = []
  const lines: unknown[] = []
  const counts = createRequestCounts()
  const runtime = aRuntime({
    now: () => Date.now(),
    log: (line) => void lines.push(line),
    send(url, init) {
      // Bodies are texts of ours.
      const names = [...(init.body as string).matchAll(/"name":"(span-[^"]+)"/g)].map(([, name = '']) => name)
      posts.push({ url, names, headers: init.headers, redirect: init.redirect })
      const answer = answers.shift() ?? 200
      if (answer === 'broken') return Promise.reject(new TypeError('connection reset by https://otlp'))
      if (answer === 'never') {
        return new Promise((_, reject) => {
          init.signal?.addEventListener('abort', () => reject(new Error('aborted')))
        })
      }
      return Promise.resolve(new Response(null, { status: answer }))
    },
  })
  const queue = createSpanQueue(runtime, counts)
  let at = 0
  const add = (
    { target = TARGET, from = HOME, spans = 1 } = {},
    waitUntil: (work: Promise<unknown>) => void = () => undefined,
  ): void => {
    const added = Array.from({ length: spans }, () => aSpan(`span-${(at += 1)}`))
    queue.add(target, added, from, waitUntil)
  }
  const counted = () => counts.of(HOME.id).counters['mesh_spans_total'] ?? {}
  return { posts, lines, add, counted }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('spans of two seconds are one post, each exporter’s and each region’s for itself', async () => {
  const { add, posts, counted } = aQueue()
  add()
  add({ target: aTarget('other') })
  add({ from: AWAY })
  await vi.advanceTimersByTimeAsync(SPAN_BATCH_MS - 1)
  add()
  expect(posts).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(posts.map(({ url, names }) => [url, names])).toEqual([
    ['https://one.example.com/v1/traces', ['span-1', 'span-4']],
    ['https://other.example.com/v1/traces', ['span-2']],
    ['https://one.example.com/v1/traces', ['span-3']],
  ])
  expect(posts[0]).toMatchObject({
    headers: { 'x-api-key': 'k', 'content-type': 'application/json' },
    redirect: 'manual',
  })
  expect(counted()).toEqual({
    'exporter="one",outcome="exported"': 2,
    'exporter="other",outcome="exported"': 1,
  })
})

test('a full batch does not wait', async () => {
  const { add, posts } = aQueue()
  for (let count = 0; count < MAX_BATCH_SPANS; count += 1) add()
  await vi.advanceTimersByTimeAsync(0)
  expect(posts.map(({ names }) => names.length)).toEqual([MAX_BATCH_SPANS])
  await vi.advanceTimersByTimeAsync(SPAN_BATCH_MS)
  expect(posts).toHaveLength(1)
})

test.each<[Answer, string, number]>([
  [429, 'unavailable', 3],
  [503, 'unavailable', 3],
  ['broken', 'unreachable', 3],
  ['never', 'timeout', 3],
  [400, 'refused', 1],
  [500, 'refused', 1],
  [307, 'redirect', 1],
])('an exporter that answers %s is %s and gets %i posts', async (answer, why, attempts) => {
  const { add, posts, lines, counted } = aQueue([answer, answer, answer])
  add()
  // The platform ends work behind a request after thirty seconds.
  await vi.advanceTimersByTimeAsync(29_000)
  expect(posts).toHaveLength(attempts)
  expect(lines).toEqual([{ event: 'spans_lost', exporter: 'one', spans: 1, why }])
  expect(counted()).toEqual({ [`exporter="one",outcome="${why}"`]: 1 })
})

test('what comes through when it is repeated is not lost', async () => {
  const { add, posts, lines, counted } = aQueue([503])
  add()
  await vi.advanceTimersByTimeAsync(29_000)
  expect(posts.map(({ names }) => names)).toEqual([['span-1'], ['span-1']])
  expect(lines).toEqual([])
  expect(counted()).toEqual({ 'exporter="one",outcome="exported"': 1 })
})

test('no more is held than so much, and what is beyond is given up at once', async () => {
  const { add, lines } = aQueue(Array.from({ length: 100 }, () => 'never' as const))
  for (let count = 0; count < MAX_HELD_SPANS + 1; count += 1) add()
  expect(lines).toEqual([{ event: 'spans_lost', exporter: 'one', spans: 1, why: 'full' }])
  // Another exporter has room of its own.
  add({ target: aTarget('other') })
  expect(lines).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(29_000)
  lines.length = 0
  add()
  expect(lines).toEqual([])
})

test('a batch whose request was ended without a word is taken up by the next one', async () => {
  const { add, posts } = aQueue()
  add()
  vi.clearAllTimers()
  await vi.advanceTimersByTimeAsync(2 * SPAN_BATCH_MS + 1)
  expect(posts).toEqual([])
  add()
  await vi.advanceTimersByTimeAsync(SPAN_BATCH_MS)
  expect(posts.map(({ names }) => names)).toEqual([['span-1'], ['span-2']])
})

test('a request that is no more costs nothing but its own work', async () => {
  const { add, posts } = aQueue()
  add({}, () => {
    throw new Error('the request is over')
  })
  await vi.advanceTimersByTimeAsync(SPAN_BATCH_MS)
  expect(posts).toHaveLength(1)
})

function regionOf(id: string): Region {
  const region = aMesh().regions.find((one) => one.id === id)
  if (region === undefined) throw new Error('no such region')
  return region
}

function aTarget(id: string): ExporterTarget {
  const host = `${id}.example.com`
  const url = `https://${host}/v1/traces`
  const exporter = { id, jurisdictions: ['eu'], url, auth_header: 'x-api-key', share: 1 }
  return { exporter, host, headers: { 'x-api-key': 'k' } }
}

function aSpan(name: string): Span {
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    name,
    kind: 2,
    startTimeUnixNano: '1900000000000000000',
    endTimeUnixNano: '1900000000700000000',
    attributes: [],
    status: {},
  }
}
