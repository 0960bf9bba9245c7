import { describe, expect, test } from 'vitest'
import { verifyAudit } from '../../../../tools/verify/audit.ts'
import { nodeDigests } from '../../../../tools/verify/node-digests.ts'
import { receiptOf } from '../../../../shared/receipt/receipt.ts'
import { encodeHeadsLine } from '../../../../shared/audit/export-lines.ts'
import { aReceiptInput } from '../../receipt/a-receipt.ts'
import { must } from '../../workers/must.ts'
import { aSigner } from '../../workers/receipts/a-signer.ts'
import { anExport } from './an-export.ts'

const KEYS = await aSigner().publishedKeys()
const LINES = await anExport()
const [HEADS = ''] = LINES

function verify(lines: readonly string[], earlier: readonly string[] = []) {
  const keys = { keys: KEYS.keys.map((key) => ({ ...key })) }
  return verifyAudit({ text: lines.join(''), keys, earlier }, nodeDigests)
}

describe('an exported log', () => {
  test('that is as it was written is whole, chain by chain', async () => {
    expect(await verify(LINES)).toEqual({
      ok: true,
      value: {
        tenant: 'acme',
        issuer: 'https://mesh.example',
        signedAt: '1970-01-01T00:00:01.000Z',
        chains: [
          { chain: 'acme/0', report: { ok: true, deleted: 0, range: { first: 1, last: 3 } } },
          { chain: 'acme/1', report: { ok: true, deleted: 0, range: { first: 1, last: 2 } } },
        ],
      },
    })
  })

  test('is found out that lacks any of its lines', async () => {
    for (let index = 0; index < LINES.length; index += 1) {
      const checked = await verify(LINES.toSpliced(index, 1))
      const reports = checked.ok ? checked.value.chains.map(({ report }) => report.ok) : []
      expect(reports, `without line ${index + 1}`).toEqual(index === 0 ? [] : [index > 3, index <= 3])
    }
  })

  test('is found out that lacks a whole chain', async () => {
    expect(await verify(LINES.slice(0, 4))).toMatchObject({
      value: {
        chains: [{ report: { ok: true } }, { report: { ok: false, seq: 1, problem: 'end_missing' } }],
      },
    })
  })

  test('is found out that has a chain too many', async () => {
    const [, ...others] = await anExport({ counts: [0, 0, 1] })
    expect(await verify([...LINES, ...others])).toMatchObject({
      value: { chains: [{}, {}, { chain: 'acme/2', report: { ok: false, seq: 1, problem: 'unsigned' } }] },
    })
  })

  test('is held against what was signed earlier', async () => {
    const longer = await anExport({ counts: [4, 2], nowMs: 2000 })
    expect(await verify(longer, [LINES.join('')])).toMatchObject({
      value: {
        signedAt: '1970-01-01T00:00:02.000Z',
        chains: [{ report: { ok: true } }, { report: { ok: true } }],
      },
    })
    expect(await verify(LINES, [must(longer[0])])).toMatchObject({
      value: {
        chains: [{ report: { ok: false, seq: 4, problem: 'end_missing' } }, { report: { ok: true } }],
      },
    })
  })

  test('of another key, another tenant or another kind is not looked at', async () => {
    const foreign = await anExport({ signer: aSigner('33'.repeat(32)) })
    expect(await verify(foreign)).toEqual({
      ok: false,
      error: 'of what is signed: it was signed under a key that is not in the key list',
    })
    const other = await anExport({ tenant: 'other' })
    expect(await verify(LINES, [must(other[0])])).toEqual({
      ok: false,
      error: 'what is signed is of several tenants or meshes',
    })
    const receipt = await aSigner().signReceipt(receiptOf(aReceiptInput()))
    expect(await verify([encodeHeadsLine(receipt)])).toEqual({
      ok: false,
      error: 'of what is signed: it is no "mesh-audit-heads+jwt"',
    })
  })

  test('without a signature, or with a line that is none of it, is not looked at', async () => {
    expect(await verify(LINES.slice(1))).toEqual({ ok: false, error: 'nothing in it is signed' })
    expect(await verify([HEADS, 'x\n'])).toEqual({ ok: false, error: 'line 2 is not as it was exported' })
    expect(await verify(LINES, ['{}\n'])).toEqual({
      ok: false,
      error: 'line 1 of earlier export 1 is not as it was exported',
    })
  })
})
