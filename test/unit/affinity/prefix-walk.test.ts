import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  anchorHere,
  startWalk,
  walkOpaque,
  walkText,
  walkValue,
} from '../../../shared/affinity/prefix-walk.ts'

function named(seed: string, content: string): number {
  const walk = startWalk(seed)
  walkText(walk, content)
  return anchorHere(walk).id
}

// By another program. Observers of one mesh, of an older and a newer build, agree on pools by these.
test('names do not change', () => {
  expect([named('', ''), named('a secret', 'a prompt'), named('a secret', 'a prompt.')]).toEqual([
    4334410856708303, 812249832660835, 6679879633983702,
  ])
})

test('a text that moves from the seed into the prompt makes another prefix', () => {
  expect(new Set([named('abcd', ''), named('abc', 'd'), named('ab', 'cd'), named('', 'abcd')]).size).toBe(4)
})

test('a value is no text, whatever its bits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), fc.nat(0xffff), (first, second) => {
      const walk = startWalk('a secret')
      walkValue(walk, first | (second << 16), 0)
      expect(anchorHere(walk).id).not.toBe(named('a secret', String.fromCharCode(first, second)))
    }),
  )
})

test('an opaque text counts as told, and passes depths as a whole', () => {
  const walk = startWalk('a secret')
  walkOpaque(walk, 'x'.repeat(100_000), 5000)
  walkText(walk, 'x'.repeat(4000))
  expect([walk.bytes, walk.depths.map(({ bytes }) => bytes)]).toEqual([9000, [5000, 8192]])
})
