/** Vectors are written as they are taken, and what they hold is given back once, however the client takes them. */
import { expect, test } from 'vitest'
import { place } from '../../../../shared/residency/place.ts'
import type { Edge } from '../../../../workers/edge.ts'
import type { VectorsAnswer } from '../../../../workers/embeddings/answer.ts'
import { respondWithVectors } from '../../../../workers/embeddings/respond-with-vectors.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { must } from '../a-dispatch.ts'
import { aRuntime } from '../a-runtime.ts'

const URLS = { 'eu-central': 'http://a.test', 'us-east': 'http://b.test', 'ap-southeast': 'http://c.test' }
const config = aMeshConfig(URLS)

function respond(count: number, { floats = 64, signal = new AbortController().signal } = {}) {
  const placement = place({
    config,
    tenant: must(config.tenants[0]),
    model: must(config.models[0]),
    arrival: { host: 'edge.test' },
  })
  const numbers = Array.from({ length: count }, (_, number) => number)
  const entry = {
    vector: new Uint8Array(floats * 4),
    promptTokens: 2,
    pool: 'eu-central',
    model: 'story',
    modelVersion: '1',
    createdAtMs: 0,
    expiresAtMs: 1_060_000,
  }
  // What the response is made of, and nothing else of the context.
  const answer = {
    outcome: 'hit',
    known: new Map(numbers.map((number) => [number, entry])),
    context: {
      request: { signal },
      receivedAtMs: 0,
      placement: must(placement.ok ? placement.value : undefined),
      embeddings: { model: 'story', encoding: 'float' },
      batch: { items: numbers.map(String), itemOf: numbers },
      keeping: { kind: 'kept' },
    },
  } as unknown as VectorsAnswer
  const ends: string[] = []
  const edge = { runtime: aRuntime() } as unknown as Edge
  return { response: respondWithVectors(answer, edge, (outcome) => ends.push(outcome)), ends }
}

test('an answer that is taken whole ends once', async () => {
  const client = new AbortController()
  const { response, ends } = respond(3, { signal: client.signal })
  const { data, usage } = (await response.json()) as { data: unknown[]; usage: unknown }
  expect([data.length, usage]).toEqual([3, { prompt_tokens: 6, total_tokens: 6 }])
  client.abort()
  expect(ends).toEqual(['completed'])
})

test('of a large answer only what is taken is written', async () => {
  const { response, ends } = respond(1000, { floats: 2048 })
  const reader = must(response.body ?? undefined).getReader()
  const { value } = await reader.read()
  // The next piece is ready, and no more of them.
  expect(value?.byteLength).toBeLessThan(80_000)
  expect(ends).toEqual([])
  await reader.cancel()
  expect(ends).toEqual(['client_cancelled'])
})

test('a client that left before anything was taken, or was gone already, has left', () => {
  const client = new AbortController()
  const { ends } = respond(1000, { floats: 2048, signal: client.signal })
  client.abort()
  expect(ends).toEqual(['client_cancelled'])
  expect(respond(1000, { floats: 2048, signal: AbortSignal.abort() }).ends).toEqual(['client_cancelled'])
})
