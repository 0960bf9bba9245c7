import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { append, beginChain, verifyChain, type ChainLink } from '../../../shared/audit/chain.ts'
import type { AuditFacts } from '../../../shared/audit/entry.ts'
import { nodeDigests } from '../fingerprint/node-digests.ts'
import { must } from '../workers/must.ts'
import { aChain, CHAIN, someFacts } from './a-chain.ts'

const COUNT = 8
const { entries: ENTRIES, heads: HEADS } = await aChain(COUNT)
const links: readonly ChainLink[] = ENTRIES.map((entry) => ({ ...entry }))

const verify = (entries: readonly ChainLink[], from = must(HEADS[0])) =>
  verifyChain(entries, from, nodeDigests)

describe('a chain', () => {
  test('has the hashes that another program (Python, hashlib and json) computes', async () => {
    const begun = await beginChain(CHAIN, nodeDigests)
    expect(begun).toEqual({ chain: CHAIN, seq: 0, hash: 'dCnLvHQvytDHA1bLcBxg7ks9L9iOwuI0h0rF9A9sVrw' })
    const refused: AuditFacts = {
      event: 'request',
      at: '2026-11-24T15:00:01.000Z',
      request_id: 'req_2',
      decision: 'refused',
      error: 'residency_violation',
      rules: ['eu-only'],
      pools: [],
      config: 'cfg_0123456789ab',
    }
    const facts = [someFacts(1, { at: '2026-11-24T15:00:00.000Z' }), refused]
    const { head, entries } = await append(begun, facts, nodeDigests)
    expect(entries.map(({ hash }) => hash)).toEqual([
      'drObaghBlP4ifSJAB49tryzKz6IJ6nKppuLqZXEuZqA',
      '5w8aYJNRysdod02RAIiFOkGd6LID0KLA50HjGigH2GA',
    ])
    expect(entries[1]).toEqual({ ...refused, chain: CHAIN, seq: 2, hash: head.hash })
    expect(head).toEqual({ chain: CHAIN, seq: 2, hash: entries[1]?.hash })
  })

  test('is the same in whatever batches it was made', async () => {
    const facts = Array.from({ length: COUNT }, (_, index) => someFacts(index + 1))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(COUNT), { maxLength: 4 }), async (cuts) => {
        let head = must(HEADS[0])
        const ends = [...cuts, COUNT].toSorted((a, b) => a - b)
        for (const [index, end] of ends.entries()) {
          head = (await append(head, facts.slice(ends[index - 1] ?? 0, end), nodeDigests)).head
        }
        expect(head).toEqual(HEADS[COUNT])
      }),
    )
  })

  test('of another name has other hashes throughout', async () => {
    const other = await aChain(COUNT, 'acme/eu-central/1')
    const hashes = [...HEADS, ...other.heads].map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(2 * (COUNT + 1))
    expect(await verify(other.entries.map((entry) => ({ ...entry })))).toMatchObject({ ok: false, seq: 1 })
  })
})

describe('verifyChain', () => {
  test('accepts every run of it after the place it follows', async () => {
    for (let from = 0; from <= COUNT; from += 1) {
      for (let to = from; to <= COUNT; to += 1) {
        const checked = await verify(links.slice(from, to), must(HEADS[from]))
        expect(checked).toEqual({ ok: true, head: HEADS[to] })
      }
    }
  })

  test('notices any entry that is missing, where it is missing', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(COUNT - 2), async (index) => {
        const checked = await verify(links.toSpliced(index, 1))
        expect(checked).toEqual({ ok: false, seq: index + 1, problem: 'misplaced' })
      }),
    ))

  test('notices any other order, at the first entry that is out of it', () =>
    fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...links], { minLength: COUNT }), async (shuffled) => {
        const first = shuffled.findIndex((entry, index) => entry !== links[index])
        const checked = await verify(shuffled)
        if (first === -1) expect(checked.ok).toBe(true)
        else expect(checked).toEqual({ ok: false, seq: first + 1, problem: 'misplaced' })
      }),
    ))

  test('notices an entry that is there twice, and one of another chain', async () => {
    const { entries: others } = await aChain(COUNT, 'other')
    for (const [index, entry] of links.entries()) {
      const seq = index + 2
      expect(await verify(links.toSpliced(index, 0, entry))).toEqual({ ok: false, seq, problem: 'misplaced' })
      const other: ChainLink = { ...must(others[index]) }
      expect(await verify(links.with(index, other))).toMatchObject({ ok: false, seq: index + 1 })
      const disguised = { ...other, chain: CHAIN }
      expect(await verify(links.with(index, disguised))).toMatchObject({ ok: false, seq: index + 1 })
    }
  })

  test.each([
    ['another value', { decision: 'refused' }],
    ['another rule', { rules: [] }],
    ['a member that this version does not know', { note: 'x' }],
    ['another time', { at: '2026-11-24T15:00:59.000Z' }],
    ['another pool', { pools: [{ pool: 'us-1', region: 'us-east', jurisdiction: 'us' }] }],
    ['another hash', { hash: must(HEADS[1]).hash }],
  ])('notices %s, at the entry that has it', async (_, change) => {
    for (const [index, entry] of links.slice(1).entries()) {
      const changed: ChainLink = { ...entry, ...change }
      const checked = await verify(links.with(index + 1, changed))
      expect(checked).toEqual({ ok: false, seq: index + 2, problem: 'changed' })
    }
  })

  test('notices a member that is gone', async () => {
    for (const name of ['rules', 'key', 'outcome', 'cache']) {
      const { [name]: _gone, ...rest } = must(links[3])
      expect(await verify(links.with(3, rest as ChainLink))).toEqual({
        ok: false,
        seq: 4,
        problem: 'changed',
      })
    }
  })

  test('notices a place that is not the one before', async () => {
    const from = { ...must(HEADS[3]), hash: must(HEADS[2]).hash }
    expect(await verify(links.slice(3), from)).toEqual({ ok: false, seq: 4, problem: 'changed' })
  })
})
