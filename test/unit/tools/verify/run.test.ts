import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { base64Url } from '../../../../shared/fingerprint/bytes.ts'
import { answerDigest } from '../../../../shared/receipt/answer-digest.ts'
import { receiptOf } from '../../../../shared/receipt/receipt.ts'
import { nodeDigests } from '../../../../tools/verify/node-digests.ts'
import { run } from '../../../../tools/verify/run.ts'
import { aReceiptInput } from '../../receipt/a-receipt.ts'
import { aSigner } from '../../workers/receipts/a-signer.ts'
import { anExport } from './an-export.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'warmpath-verify-'))
afterAll(() => rmSync(FOLDER, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(FOLDER, name)
  writeFileSync(path, text)
  return path
}

/** As a person runs it. */
function exitCodeOf(...args: readonly string[]): number | null {
  const script = join(import.meta.dirname, '../../../../tools/verify/main.ts')
  return spawnSync(process.execPath, [script, ...args]).status
}

const SALT = new Uint8Array(32)
const CHOICES = [{ index: 0, message: { content: 'yes' }, finish_reason: 'stop' }]
const JWS = await aSigner().signReceipt(
  receiptOf(
    aReceiptInput({
      answerDigest: await answerDigest(CHOICES, SALT, nodeDigests),
      cache: 'extended',
      pools: [{ pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu' }, { pool: 'eu-2' }],
    }),
  ),
)
const LINES = await anExport()

const KEYS = file('jwks.json', JSON.stringify(await aSigner().publishedKeys()))
const ANSWER = file('answer.json', JSON.stringify({ choices: CHOICES }))
const RECEIPT = file('receipt.jws', JWS)
const CHANGED = file('changed.jws', JWS.replace(/.{4}$/, 'AAAA'))
const LOG = file('log.jsonl', LINES.join(''))

describe('npm run verify', () => {
  test('says what a genuine receipt says', async () => {
    const told = await run(['receipt', RECEIPT, '--jwks', KEYS])
    const lines = told.ok ? told.value.lines : []
    expect(told).toMatchObject({ value: { holds: true } })
    expect(lines[0]).toBe('VERIFIED: the receipt is genuine. (The answer was not compared: --answer FILE.)')
    expect(lines).toContain(
      '  made by              eu-1 (eu-central, eu), then eu-2 (region unknown, jurisdiction unknown)',
    )
    expect(lines).toContain(
      '  cache                extended; from eu-1 (eu-central, eu), 2026-11-24T14:59:58.500Z',
    )
  })

  test('says that it is of the answer, from and for whom it should be', async () => {
    const answer = ['--answer', ANSWER, '--salt', base64Url(SALT)]
    const expected = ['--issuer', 'https://mesh.example', '--audience', 'acme']
    const told = await run(['receipt', RECEIPT, '--jwks', KEYS, ...answer, ...expected])
    expect(told.ok && told.value.lines[0]).toBe('VERIFIED: the receipt is genuine, and it is of this answer.')
    expect(await run(['receipt', RECEIPT, '--jwks', KEYS, '--audience', 'other'])).toEqual({
      ok: true,
      value: { holds: false, lines: ['NOT VERIFIED: it is for another audience.'] },
    })
  })

  test('says that a receipt was changed', async () => {
    expect(await run(['receipt', CHANGED, '--jwks', KEYS])).toEqual({
      ok: true,
      value: { holds: false, lines: ['NOT VERIFIED: the signature does not match.'] },
    })
  })

  test('says which chains of a log are whole, and where one is not', async () => {
    expect(await run(['audit', LOG, '--jwks', KEYS, '--earlier', LOG])).toEqual({
      ok: true,
      value: {
        holds: true,
        lines: [
          'VERIFIED: the audit log of acme at https://mesh.example is whole, as signed at 1970-01-01T00:00:01.000Z.',
          '  acme/0: entries 1 to 3',
          '  acme/1: entries 1 to 2',
        ],
      },
    })
    const cut = file('cut.jsonl', LINES.toSpliced(2, 1).join(''))
    expect(await run(['audit', cut, '--jwks', KEYS])).toEqual({
      ok: true,
      value: {
        holds: false,
        lines: [
          'NOT VERIFIED: 1 of 2 chains of the audit log of acme do not hold.',
          '  acme/0: BROKEN at entry 2: another entry stands in its place: something was taken out, put in or moved',
          '  acme/1: entries 1 to 2',
        ],
      },
    })
  })

  test('lets no name that nobody signed for steer the terminal', async () => {
    const [, ...foreign] = await anExport({ counts: [1], tenant: '\u001b[2J' })
    const told = await run(['audit', file('foreign.jsonl', [...LINES, ...foreign].join('')), '--jwks', KEYS])
    expect(told.ok && told.value.lines).toContain('  ?[2J/0: BROKEN at entry 1: no signature speaks of it')
  })

  test.each([
    [[], /^Usage: /],
    [['receipt', RECEIPT], /^Usage: /],
    [['receipt', RECEIPT, '--jwks', KEYS, '--loud'], /^Usage: /],
    [['letter', RECEIPT, '--jwks', KEYS], /^Usage: /],
    [['receipt', RECEIPT, LOG, '--jwks', KEYS], /^Usage: /],
    [['receipt', join(FOLDER, 'none'), '--jwks', KEYS], /none cannot be read\.$/],
    [['receipt', RECEIPT, '--jwks', KEYS, '--answer', join(FOLDER, 'none')], /none cannot be read\.$/],
    [['audit', LOG, '--jwks', KEYS, '--earlier', join(FOLDER, 'none')], /none cannot be read\.$/],
    [['audit', LOG, '--jwks', join(FOLDER, 'none')], /^The key list cannot be read\.$/],
    [['audit', LOG, '--jwks', 'http://127.0.0.1:1/jwks.json'], /^The key list cannot be read\.$/],
    [['audit', LOG, '--jwks', file('empty.json', '{}')], /^The key list is not a document such as /],
  ])('says to %j that it could not look', async (args, sentence) => {
    const told = await run(args)
    expect(told.ok || told.error).toMatch(sentence)
  })

  test('exits with 0 where it holds, 1 where it does not, 2 where it could not look', () => {
    expect([
      exitCodeOf('receipt', RECEIPT, '--jwks', KEYS),
      exitCodeOf('receipt', CHANGED, '--jwks', KEYS),
      exitCodeOf('receipt', RECEIPT),
    ]).toEqual([0, 1, 2])
  }, 30_000)
})
