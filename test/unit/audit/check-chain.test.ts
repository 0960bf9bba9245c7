import { describe, expect, test } from 'vitest'
import { append, type ChainLink } from '../../../shared/audit/chain.ts'
import { checkChain } from '../../../shared/audit/check-chain.ts'
import type { KeptChain } from '../../../shared/audit/signed-heads.ts'
import { nodeDigests } from '../fingerprint/node-digests.ts'
import { must } from '../workers/must.ts'
import { aChain, CHAIN, someFacts } from './a-chain.ts'

const COUNT = 10
const { entries, heads } = await aChain(COUNT)
const links: readonly ChainLink[] = entries.map((entry) => ({ ...entry }))

/** As it was signed when it had `seq` entries and those up to `base` were deleted. */
function signed(seq: number, base = 0): KeptChain {
  const { hash } = must(heads[base])
  return { ...must(heads[seq]), base: { seq: base, hash } }
}

function check(kept: readonly ChainLink[], ...known: readonly KeptChain[]) {
  return checkChain(CHAIN, kept, known, nodeDigests)
}

describe('a chain that is as it was signed', () => {
  test('is whole', async () => {
    const all = { ok: true, deleted: 0, range: { first: 1, last: COUNT } }
    expect(await check(links, signed(COUNT))).toEqual(all)
    expect(await check(links, signed(3), signed(COUNT), signed(7))).toEqual(all)
  })

  test('is whole without what a signature says was deleted', async () => {
    const rest = { ok: true, deleted: 4, range: { first: 5, last: COUNT } }
    expect(await check(links.slice(4), signed(COUNT, 4))).toEqual(rest)
    expect(await check(links.slice(4), signed(3), signed(6, 2), signed(COUNT, 4))).toEqual(rest)
  })

  test('may be empty: never used, or all deleted', async () => {
    expect(await check([], signed(0))).toEqual({ ok: true, deleted: 0 })
    expect(await check([], signed(COUNT, COUNT))).toEqual({ ok: true, deleted: COUNT })
  })
})

describe('a chain is found out that lacks', () => {
  test('any of its last entries', async () => {
    for (let last = 0; last < COUNT; last += 1) {
      const broken = { ok: false, seq: last + 1, problem: 'end_missing' }
      expect(await check(links.slice(0, last), signed(COUNT))).toEqual(broken)
    }
    expect(await check(links.slice(4, 9), signed(COUNT, 4))).toEqual({
      ok: false,
      seq: COUNT,
      problem: 'end_missing',
    })
    expect(await check([], signed(COUNT, 4))).toEqual({ ok: false, seq: 5, problem: 'end_missing' })
  })

  test('any of its first entries, whatever an earlier signature ended with', async () => {
    for (let first = 1; first < COUNT; first += 1) {
      const broken = { ok: false, seq: 1, problem: 'beginning_missing' }
      expect(await check(links.slice(first), signed(COUNT), signed(first))).toEqual(broken)
    }
    expect(await check(links.slice(6), signed(COUNT, 4))).toMatchObject({ ok: false, seq: 5 })
  })
})

describe('a chain is found out that', () => {
  test('goes on after what was signed', async () => {
    expect(await check(links, signed(7))).toEqual({ ok: false, seq: 8, problem: 'unsigned' })
  })

  test('nobody signed for', async () => {
    expect(await check(links)).toEqual({ ok: false, seq: 1, problem: 'unsigned' })
  })

  test('was written anew, hashes and all, against every signature of an entry since the change', async () => {
    for (let changed = 1; changed <= COUNT; changed += 1) {
      const facts = Array.from({ length: COUNT }, (_, index) =>
        someFacts(index + 1, index + 1 === changed ? { decision: 'refused' } : {}),
      )
      const forged = (await append(must(heads[0]), facts, nodeDigests)).entries.map((entry) => ({ ...entry }))
      const forgedEnd = must(forged.at(-1))
      // Whoever could sign now would still have signed otherwise then.
      const resigned = { ...signed(COUNT), hash: forgedEnd.hash }
      expect(await check(forged, resigned)).toMatchObject({ ok: true })
      for (let seq = 1; seq <= COUNT; seq += 1) {
        const checked = await check(forged, resigned, signed(seq))
        expect(checked).toEqual(
          seq < changed
            ? { ok: true, deleted: 0, range: { first: 1, last: COUNT } }
            : { ok: false, seq, problem: 'rewritten' },
        )
      }
    }
  })

  test('is broken inside', async () => {
    expect(await check(links.toSpliced(4, 1), signed(COUNT))).toEqual({
      ok: false,
      seq: 5,
      problem: 'misplaced',
    })
  })
})
