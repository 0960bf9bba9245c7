import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pickVersion } from '../../../shared/fingerprint/model-version.ts'
import known from '../../fixtures/fingerprint/vectors.json' with { type: 'json' }

/** The digests of this many different requests, always the same ones. */
function digests(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => createHash('sha256').update(String(index)).digest())
}

const anyDigest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const anyVersions = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[a-z0-9-]{1,12}$/),
    weight: fc.double({ min: 0.001, max: 1000, noNaN: true }),
  }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 6 },
)

test.each([
  [{ a: 1, b: 1 }],
  [{ stable: 95, canary: 5 }],
  [{ '1': 1, '2': 2, '3': 7 }],
  [{ '2026-10-01': 0.5, '2026-10-02': 0.25, '2026-10-03': 0.25 }],
])('splits requests in proportion to the weights %j', (weights) => {
  const versions = Object.entries(weights).map(([id, weight]) => ({ id, weight }))
  const total = versions.reduce((sum, { weight }) => sum + weight, 0)
  const picks = digests(20_000).map((digest) => pickVersion(versions, digest))
  for (const { id, weight } of versions) {
    const share = picks.filter((picked) => picked === id).length / picks.length
    // Four standard deviations of a share of 20 000 draws are below 0.015.
    expect(Math.abs(share - weight / total)).toBeLessThan(0.015)
  }
})

test('never picks a version of weight 0', () => {
  const versions = [
    { id: 'off', weight: 0 },
    { id: 'on', weight: 0.001 },
  ]
  expect(new Set(digests(1000).map((digest) => pickVersion(versions, digest)))).toEqual(new Set(['on']))
  expect(() => pickVersion([{ id: 'off', weight: 0 }], new Uint8Array(32))).toThrow('positive weight')
})

describe('the pick', () => {
  test('depends on nothing but the digest and the set of versions, not on their order', () => {
    fc.assert(
      fc.property(anyVersions, anyDigest, (versions, digest) => {
        expect(pickVersion(versions.toReversed(), digest)).toBe(pickVersion(versions, digest))
      }),
    )
  })

  test('moves only to a version whose weight is raised', () => {
    fc.assert(
      fc.property(
        anyVersions,
        anyDigest,
        fc.nat(),
        fc.double({ min: 1, max: 100, noNaN: true }),
        (versions, digest, at, factor) => {
          const raised = versions[at % versions.length]
          const after = versions.map((version) =>
            version === raised ? { ...version, weight: version.weight * factor } : version,
          )
          const picked = pickVersion(after, digest)
          if (picked !== raised?.id) expect(picked).toBe(pickVersion(versions, digest))
        },
      ),
    )
  })

  test('stays when a version that was not picked goes', () => {
    fc.assert(
      fc.property(anyVersions, anyDigest, fc.nat(), (versions, digest, at) => {
        const before = pickVersion(versions, digest)
        const gone = versions[at % versions.length]
        fc.pre(gone?.id !== before)
        expect(
          pickVersion(
            versions.filter((version) => version !== gone),
            digest,
          ),
        ).toBe(before)
      }),
    )
  })

  test('is what the other program picks', () => {
    for (const { weights, digest, picked } of known.picks) {
      const versions = Object.entries(weights).map(([id, weight]) => ({ id, weight }))
      expect(pickVersion(versions, Buffer.from(digest, 'hex'))).toBe(picked)
    }
    expect(known.picks).toHaveLength(48)
  })
})
