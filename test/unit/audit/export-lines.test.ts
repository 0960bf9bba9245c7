import { describe, expect, test } from 'vitest'
import { verifyChain } from '../../../shared/audit/chain.ts'
import { encodeEntry, encodeHeadsLine, parseExport } from '../../../shared/audit/export-lines.ts'
import { nodeDigests } from '../fingerprint/node-digests.ts'
import { must } from '../workers/must.ts'
import { aChain } from './a-chain.ts'

const COUNT = 2
const { entries, heads } = await aChain(COUNT)
const LINES = entries.map((entry) => `${encodeEntry(entry)}\n`).join('')

describe('an export', () => {
  test('is what is signed and the entries, a line of JSON each', () => {
    const text = encodeHeadsLine('a.b.c') + LINES
    expect(text.split('\n')[0]).toBe('{"heads":"a.b.c"}')
    expect(text.split('\n')[1]).toBe(
      '{"at":"2026-11-24T15:00:01.000Z","cache":"miss","chain":"acme/eu-central/0","config":"cfg_0123456789ab",' +
        `"decision":"allowed","event":"request","hash":"${heads[1]?.hash}","key":"app","outcome":"completed",` +
        '"pools":[{"jurisdiction":"eu","pool":"eu-1","region":"eu-central"}],"request_id":"req_1","rules":["eu-only"],"seq":1}',
    )
    expect(parseExport(text)).toEqual({ ok: true, value: { heads: ['a.b.c'], entries } })
    expect(parseExport('')).toEqual({ ok: true, value: { heads: [], entries: [] } })
  })

  test('shows every flipped bit of an entry', async () => {
    const bytes = new TextEncoder().encode(LINES)
    const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Uint8Array.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const parsed = parseExport(decoder.decode(flipped))
      if (!parsed.ok) continue
      const checked = await verifyChain(parsed.value.entries, must(heads[0]), nodeDigests)
      const isWhole = checked.ok && checked.head.hash === heads[COUNT]?.hash
      if (isWhole) expect.fail(`bit ${bit} was flipped, and nobody noticed`)
    }
  })

  test.each([
    ['is no JSON', 'x\n'],
    ['is neither an entry nor signed', '{"a":1}\n'],
    ['is a list', '[]\n'],
    ['is empty', '\n'],
    ['has blanks', LINES.replace('{"at"', '{ "at"')],
    ['says a member twice', LINES.replace('{"at"', '{"at":"2020-01-01T00:00:00.000Z","at"')],
    ['has its members in another order', '{"seq":1,"hash":"h","chain":"c"}\n'],
    ['has a number below one', '{"chain":"c","hash":"h","seq":0}\n'],
    ['has a number that is none', '{"chain":"c","hash":"h","seq":1.5}\n'],
    ['was cut', LINES.slice(0, 30)],
    ['was cut at its last byte', must(LINES.split('\n')[0])],
  ])('names the line that %s', (_, text) => {
    expect(parseExport(encodeHeadsLine('a.b.c') + text)).toEqual({ ok: false, error: { line: 2 } })
  })
})
