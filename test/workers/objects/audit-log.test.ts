/** Chains in an object's SQLite: one after the other however they come, found again, written out, deleted from the front. */
import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import { checkChain } from '../../../shared/audit/check-chain.ts'
import type { AuditFacts } from '../../../shared/audit/entry.ts'
import { parseExport } from '../../../shared/audit/export-lines.ts'
import type { KeptChain } from '../../../shared/audit/signed-heads.ts'
import { webCryptoDigests } from '../../../workers/digests.ts'
import { createAuditLog, type AuditLog } from '../../../workers/objects/audit-log.ts'
import { exportAuditLog } from '../../../workers/receipts/audit-export.ts'
import { aLedger } from '../support/ledgers.ts'

const CHAIN = 'acme/eu-central/0'
const T0 = Date.UTC(2026, 10, 24, 15)

function facts(number: number, atMs = T0 + number * 1000): AuditFacts {
  return {
    event: 'request',
    at: new Date(atMs).toISOString(),
    request_id: `req_${number}`,
    decision: 'allowed',
    rules: [],
    pools: [],
    config: 'cfg_1',
  }
}

interface OwnLog {
  readonly log: AuditLog
  readonly storage: DurableObjectStorage
  /** As after a restart. */
  readonly reopen: () => AuditLog
}

function inOwnLog(part: (own: OwnLog) => Promise<void>): Promise<void> {
  return runInDurableObject(aLedger(), (_, { storage }) => {
    const reopen = (): AuditLog => createAuditLog(storage, webCryptoDigests)
    return part({ log: reopen(), storage, reopen })
  })
}

/** Everything that is kept, as it is exported, and what was signed of it. */
async function exported(log: AuditLog, pageEntries = 3) {
  let signed: readonly KeptChain[] = []
  const sign = (chains: readonly KeptChain[]): Promise<string> => {
    signed = chains
    return Promise.resolve('jws')
  }
  const parts: string[] = []
  for await (const part of exportAuditLog({ log, sign, pageEntries })) parts.push(part)
  const parsed = parseExport(parts.join(''))
  if (!parsed.ok) throw new Error(`line ${parsed.error.line} of the export is none`)
  return { signed, ...parsed.value }
}

async function check(log: AuditLog, earlier: readonly KeptChain[] = []) {
  const { signed, entries, heads } = await exported(log)
  expect(heads).toEqual(['jws'])
  return Promise.all(
    signed.map(({ chain }) =>
      checkChain(
        chain,
        entries.filter((entry) => entry.chain === chain),
        [...earlier, ...signed].filter((head) => head.chain === chain),
        webCryptoDigests,
      ),
    ),
  )
}

function idsIn(lines: readonly string[]): string[] {
  return lines.map((line) => (JSON.parse(line) as AuditFacts).request_id)
}

const whole = (first: number, last: number) => ({ ok: true, deleted: first - 1, range: { first, last } })

describe('append', () => {
  test('makes chains that verify, whatever comes at the same time, and after a restart', () =>
    inOwnLog(async ({ log, reopen }) => {
      await Promise.all([
        log.append(CHAIN, [facts(1), facts(2)], T0),
        log.append('acme/eu-central/1', [facts(3)], T0),
        log.append(CHAIN, [facts(4)], T0),
        log.append(CHAIN, [facts(5)], T0),
      ])
      const again = reopen()
      expect(await again.append(CHAIN, [facts(6)], T0)).toMatchObject({ chain: CHAIN, seq: 5 })
      expect(await check(again)).toEqual([whole(1, 5), whole(1, 1)])
    }))

  test('may be repeated by who does not know whether it came through, under another chain too', () =>
    inOwnLog(async ({ log }) => {
      const head = await log.append(CHAIN, [facts(1), facts(2)], T0)
      expect(await log.append(CHAIN, [facts(2), facts(1)], T0 + 1)).toEqual(head)
      expect(await log.append('acme/eu-central/1', [facts(1)], T0 + 1)).toMatchObject({ seq: 0 })
      // The same request, later: another entry.
      expect(await log.append(CHAIN, [facts(1, T0), { ...facts(2), event: 'end' }], T0)).toMatchObject({
        seq: 4,
      })
      expect(await check(log)).toEqual([whole(1, 4), { ok: true, deleted: 0 }])
    }))

  test('adds all or nothing, and one that fails does not keep the next from its place', () =>
    inOwnLog(async ({ log, storage }) => {
      await log.append(CHAIN, [facts(1)], T0)
      storage.sql.exec(
        "CREATE TRIGGER full BEFORE INSERT ON audit_entry WHEN NEW.request_id = 'req_3' BEGIN SELECT RAISE(ABORT, 'full'); END",
      )
      const failing = log.append(CHAIN, [facts(2), facts(3)], T0)
      const next = log.append(CHAIN, [facts(4)], T0)
      await expect(failing).rejects.toThrow()
      expect(await next).toMatchObject({ seq: 2 })
      expect(idsIn(log.find({}, 10).lines)).toEqual(['req_1', 'req_4'])
      expect(await check(log)).toEqual([whole(1, 2)])
    }))
})

describe('find', () => {
  test('gives what happened in a time, in its order and page by page', () =>
    inOwnLog(async ({ log }) => {
      await log.append(CHAIN, [facts(1), facts(4), facts(2)], T0)
      await log.append('acme/eu-central/1', [facts(3), { ...facts(5, T0 + 2000) }], T0)
      const query = { fromMs: T0 + 2000, toMs: T0 + 4000 }
      expect(idsIn(log.find(query, 10).lines)).toEqual(['req_2', 'req_5', 'req_3'])
      const seen: string[] = []
      for (let page = log.find({}, 2); ; page = log.find({ after: page.next }, 2)) {
        seen.push(...idsIn(page.lines))
        if (page.next === undefined) break
      }
      expect(seen).toEqual(['req_1', 'req_2', 'req_5', 'req_3', 'req_4'])
      expect(log.find({}, 5).next).toBeUndefined()
      expect(log.find({ fromMs: T0 + 9000 }, 5)).toEqual({ lines: [] })
    }))

  test('gives what is there of one request', () =>
    inOwnLog(async ({ log }) => {
      const [decision, end] = [
        { ...facts(1), event: 'decision' } as const,
        { ...facts(1, T0 + 9000), event: 'end' } as const,
      ]
      await log.append(CHAIN, [decision, facts(2), end], T0)
      const { lines } = log.find({ requestId: 'req_1' }, 10)
      expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
        { event: 'decision', seq: 1 },
        { event: 'end', seq: 3 },
      ])
      expect(log.find({ requestId: 'req_1', toMs: T0 + 9000 }, 10).lines).toHaveLength(1)
      expect(log.find({ requestId: 'req_9' }, 10)).toEqual({ lines: [] })
    }))
})

describe('sweep', () => {
  test('deletes from the front, and the rest verifies as what it is', () =>
    inOwnLog(async ({ log, reopen }) => {
      for (let number = 1; number <= 5; number += 1) await log.append(CHAIN, [facts(number)], T0 + number)
      await log.append('acme/eu-central/1', [facts(6)], T0 + 9)
      const { signed: before } = await exported(log)
      expect(log.oldestMs()).toBe(T0 + 1)
      log.sweep(T0 + 1)
      expect(await check(log)).toEqual([whole(1, 5), whole(1, 1)])
      log.sweep(T0 + 4)
      expect(log.oldestMs()).toBe(T0 + 4)
      expect(await check(log, before)).toEqual([whole(4, 5), whole(1, 1)])
      const again = reopen()
      await again.append(CHAIN, [facts(7)], T0 + 20)
      expect(await check(again, before)).toEqual([whole(4, 6), whole(1, 1)])
    }))

  test('of everything leaves the chain to be gone on with', () =>
    inOwnLog(async ({ log, reopen, storage }) => {
      await log.append(CHAIN, [facts(1), facts(2)], T0)
      log.sweep(T0 + 1)
      log.sweep(T0 + 1)
      expect(log.oldestMs()).toBeUndefined()
      expect(storage.sql.exec('SELECT * FROM audit_entry').toArray()).toEqual([])
      expect(await check(log)).toEqual([{ ok: true, deleted: 2 }])
      const again = reopen()
      expect(await again.append(CHAIN, [facts(3)], T0 + 2)).toMatchObject({ seq: 3 })
      expect(await check(again)).toEqual([whole(3, 3)])
    }))

  test('is from the front whatever the clock did', () =>
    inOwnLog(async ({ log }) => {
      await log.append(CHAIN, [facts(1)], T0 + 100)
      await log.append(CHAIN, [facts(2)], T0)
      log.sweep(T0 + 50)
      expect(await check(log)).toEqual([whole(1, 2)])
      log.sweep(T0 + 101)
      expect(await check(log)).toEqual([{ ok: true, deleted: 2 }])
    }))
})

describe('an export', () => {
  test('has what was signed and no more, in pages of any size', () =>
    inOwnLog(async ({ log }) => {
      for (let number = 1; number <= 7; number += 1) await log.append(CHAIN, [facts(number)], T0 + number)
      log.sweep(T0 + 3)
      for (const pageEntries of [1, 2, 5, 100]) {
        const { entries } = await exported(log, pageEntries)
        expect(entries.map(({ seq }) => seq)).toEqual([3, 4, 5, 6, 7])
      }
      const parts = exportAuditLog({ log, sign: () => Promise.resolve('jws'), pageEntries: 2 })
      await parts.next()
      await log.append(CHAIN, [facts(8)], T0 + 8)
      let text = ''
      for await (const part of parts) text += part
      expect(text.split('\n')).toHaveLength(6)
    }))

  test('of a log that was never used has no entries', () =>
    inOwnLog(async ({ log }) => {
      expect(await exported(log)).toEqual({ signed: [], heads: ['jws'], entries: [] })
      expect(log.oldestMs()).toBeUndefined()
    }))
})
