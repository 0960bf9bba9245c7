import { expect, test } from 'vitest'
import type { EmbeddingEntry } from '../../../shared/embedding/entry.ts'
import { isUsable, type EmbeddingReader } from '../../../shared/embedding/reading.ts'

/** Made ten seconds ago, to be kept a minute. */
const entry: EmbeddingEntry = {
  vector: new Uint8Array(4),
  pool: 'eu-1',
  model: 'small',
  modelVersion: '1',
  createdAtMs: 100_000,
  expiresAtMs: 160_000,
}
const reader: EmbeddingReader = {
  model: 'small',
  modelVersion: '1',
  allowedPools: new Set(['eu-1', 'us-1']),
  maxAgeSeconds: 3600,
  distrusted: [],
  nowMs: 110_000,
}
const from = { fromMs: 100_000, toMs: 100_001 }

test.each<[string, Partial<EmbeddingReader>, boolean]>([
  ['by whom all is right', {}, true],
  ['at its last millisecond', { nowMs: 159_999 }, true],
  ['when it expires', { nowMs: 160_000 }, false],
  ['who takes what is ten seconds old', { maxAgeSeconds: 10 }, true],
  ['who takes what is nine seconds old', { maxAgeSeconds: 9 }, false],
  ['who takes what is new', { maxAgeSeconds: 0 }, false],
  ['whose placement does not allow the pool', { allowedPools: new Set(['us-1']) }, false],
  ['of another model', { model: 'large' }, false],
  ['of another version', { modelVersion: '2' }, false],
  ['who distrusts the pool', { distrusted: [{ pool: 'eu-1', ...from }] }, false],
  ['who distrusts the model', { distrusted: [{ model: 'small', ...from }] }, false],
  ['who distrusts the version', { distrusted: [{ version: '1', ...from }] }, false],
  ['who distrusts all of a time', { distrusted: [from] }, false],
  ['who distrusts another pool', { distrusted: [{ pool: 'us-1', ...from }] }, true],
  [
    'who distrusts the pool for another model',
    { distrusted: [{ pool: 'eu-1', model: 'large', ...from }] },
    true,
  ],
  ['who distrusts what came before', { distrusted: [{ pool: 'eu-1', fromMs: 0, toMs: 100_000 }] }, true],
  [
    'who distrusts what came after',
    { distrusted: [{ pool: 'eu-1', fromMs: 100_001, toMs: Infinity }] },
    true,
  ],
])('a vector for a reader %s', (_name, changes, expected) => {
  expect(isUsable(entry, { ...reader, ...changes })).toBe(expected)
})
