import { describe, expect, test } from 'vitest'
import {
  embeddingNames,
  embeddingVersion,
  type EmbeddingNaming,
} from '../../../shared/fingerprint/embedding-name.ts'
import { fingerprint, requestDigest, tenantKey } from '../../../shared/fingerprint/fingerprint.ts'
import type { EmbeddingInput } from '../../../shared/schema/embeddings-request.ts'
import known from '../../fixtures/fingerprint/vectors.json' with { type: 'json' }
import { nodeDigests } from './node-digests.ts'

const master = nodeDigests.utf8(known.masterSecret)
const SPLIT = [
  { id: 'a', weight: 2 },
  { id: 'b', weight: 1 },
  { id: 'c', weight: 1 },
]

describe('agrees with the other program about', () => {
  test.each(known.embeddings)('$name', async ({ input, embeddingName, pickedVersion }) => {
    const key = await tenantKey(master, input.tenant, nodeDigests)
    const params = JSON.parse(input.paramsText) as Record<string, unknown>
    // The file's types are wider than what the script writes.
    const naming = { ...input, params } as unknown as EmbeddingNaming
    const content = JSON.parse(input.inputText) as EmbeddingInput
    expect(await embeddingNames(naming, [content], key, nodeDigests)).toEqual([embeddingName])
    expect(await embeddingVersion(SPLIT, input.model, key, nodeDigests)).toBe(pickedVersion)
  })

  test('which of the cases are the same input', () => {
    const groups = Map.groupBy(known.embeddings, ({ embeddingName }) => embeddingName)
    const equal = [...groups.values()]
      .filter((cases) => cases.length > 1)
      .map((cases) => cases.map(({ name }) => name))
    expect(equal).toEqual([
      ['a text', 'the same text, escaped'],
      ['token ids', 'token ids with spaces'],
      ['more parameters', 'more parameters in another order'],
    ])
  })
})

const base: EmbeddingNaming = {
  tenant: 'demo',
  scope: { kind: 'tenant' },
  epoch: 1,
  placement: 'anywhere',
  version: '1',
  model: 'small',
  params: {},
}

test('names each input by itself, whatever else is in the batch', async () => {
  const key = await tenantKey(master, 'demo', nodeDigests)
  const [a, b, c] = await embeddingNames(base, ['a', 'b', 'a'], key, nodeDigests)
  expect(c).toBe(a)
  expect(b).not.toBe(a)
  expect(await embeddingNames(base, ['b'], key, nodeDigests)).toEqual([b])
  expect(a).toMatch(/^[A-Za-z0-9_-]{43}$/)
})

test('is never the name of a generation', async () => {
  const key = await tenantKey(master, 'demo', nodeDigests)
  const digest = await requestDigest(
    { surface: 'completions', model: 'small', body: { prompt: 'a' } },
    key,
    nodeDigests,
  )
  const generation = await fingerprint({ ...base, requestDigest: digest }, key, nodeDigests)
  expect(await embeddingNames(base, ['a'], key, nodeDigests)).not.toContain(generation)
})

test('a model with one version needs no pick', async () => {
  const key = await tenantKey(master, 'demo', nodeDigests)
  expect(await embeddingVersion([{ id: '7', weight: 0 }], 'small', key, nodeDigests)).toBe('7')
})

test('tenants are split by the weights, and each keeps its version', async () => {
  const picks = await Promise.all(
    Array.from({ length: 400 }, async (_, index) => {
      const key = await tenantKey(master, `tenant-${index}`, nodeDigests)
      return embeddingVersion(SPLIT, 'small', key, nodeDigests)
    }),
  )
  const ofC = picks.filter((version) => version === 'c').length
  expect(ofC).toBeGreaterThan(70)
  expect(ofC).toBeLessThan(130)
})
