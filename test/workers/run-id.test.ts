/** The id of a run opens for the client that it was given to, and for nobody else, however it is changed. */
import { expect, test } from 'vitest'
import { base64Url, concatBytes, fromBase64Url } from '../../shared/fingerprint/bytes.ts'
import { encodeRun, type Run } from '../../shared/log/run.ts'
import { openRunId, runIdOf, type RunOwner } from '../../workers/run-id.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const OWNER: RunOwner = { key: utf8('the key of a tenant, of 32 bytes'), keyId: 'k1' }
const RUN: Run = {
  nonce: '0123456789abcdef01234567',
  surface: 'chat',
  model: 'story',
  asked: 'A'.repeat(43),
  fingerprint: 'Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE',
  epoch: 1_764_000_000_000,
  take: '89abcdef',
  home: 'eu-central',
  shard: 17,
  limit: 100,
  includeUsage: true,
  createdSeconds: 1_764_000_000,
  narrow: ['eu'],
  dataClass: 'health',
  headers: { 'x-department': 'radiology', 'x-case': null },
}

const id = await runIdOf(RUN, OWNER)
const bytesOf = (text: string): Uint8Array => fromBase64Url(text.slice('run_'.length)) ?? new Uint8Array()
const idOf = (bytes: Uint8Array): string => `run_${base64Url(bytes)}`

test('what it says is what was said', async () => {
  expect(id).toMatch(/^run_[A-Za-z0-9_-]+$/)
  expect(await openRunId(id, OWNER)).toEqual(RUN)
})

test('a run without anything that may be absent is one, too', async () => {
  const { take: _take, limit: _limit, narrow: _narrow, dataClass: _class, headers: _headers, ...least } = RUN
  expect(await openRunId(await runIdOf(least, OWNER), OWNER)).toEqual(least)
})

test('with any one bit of it changed it is nobody’s', async () => {
  const bytes = bytesOf(id)
  for (let index = 0; index < bytes.byteLength; index += 1) {
    const forged = bytes.slice()
    forged[index] = (forged[index] ?? 0) ^ (1 << (index % 8))
    expect(await openRunId(idOf(forged), OWNER)).toBeUndefined()
  }
})

test('with any one character of it changed it is nobody’s, or the same', async () => {
  for (let index = 0; index < id.length; index += 1) {
    const forged = id.slice(0, index) + (id[index] === 'A' ? 'B' : 'A') + id.slice(index + 1)
    expect([undefined, RUN]).toContainEqual(await openRunId(forged, OWNER))
  }
})

test('cut anywhere, or with more at its end, it is nobody’s', async () => {
  for (let length = 0; length < id.length; length += 1) {
    expect(await openRunId(id.slice(0, length), OWNER)).toBeUndefined()
  }
  for (const more of ['A', 'AAAA', '=', ' ', '\n', id]) {
    expect(await openRunId(id + more, OWNER)).toBeUndefined()
  }
})

test.each<[string, RunOwner]>([
  ['another tenant', { ...OWNER, key: utf8('the key of another, of 32 bytes!') }],
  ['another API key of the tenant', { ...OWNER, keyId: 'k2' }],
  ['an API key with a longer name', { ...OWNER, keyId: 'k1\n' }],
  ['an API key without a name', { ...OWNER, keyId: '' }],
])('for %s it is nobody’s', async (_name, owner) => {
  expect(await openRunId(id, owner)).toBeUndefined()
})

test.each([
  ['nothing', ''],
  ['a prefix alone', 'run_'],
  ['another prefix', id.replace('run_', 'ruN_')],
  ['no prefix', id.slice(4)],
  ['what is no base64url', 'run_!!!!'],
  ['a code without a run', idOf(new Uint8Array(16))],
  ['zeros', idOf(new Uint8Array(200))],
  ['far more than a run', `run_${'A'.repeat(1_000_000)}`],
])('%s is nobody’s', async (_name, text) => {
  expect(await openRunId(text, OWNER)).toBeUndefined()
})

test('what is of its owner and no run is none', async () => {
  for (const payload of [
    '',
    '{}',
    'null',
    encodeRun(RUN).slice(1),
    encodeRun(RUN).replace('"chat"', '"voice"'),
  ]) {
    // As `runIdOf` makes it, of whatever it is given.
    const made = await runIdOfPayload(payload)
    expect(await openRunId(made, OWNER)).toBeUndefined()
  }
  expect(await openRunId(await runIdOfPayload(encodeRun(RUN)), OWNER)).toEqual(RUN)
})

test('a run of the longest names opens', async () => {
  const longest: Run = {
    ...RUN,
    model: 'm'.repeat(128),
    home: 'h'.repeat(64),
    shard: 4095,
    limit: 10_000_000,
    take: 'f'.repeat(24),
    // The header has 256 characters; the shortest words cost most.
    narrow: Array.from({ length: 128 }, () => 'a'),
    dataClass: 'c'.repeat(256),
    // As many as rules may name; a quotation mark takes two characters.
    headers: Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name.repeat(64), '"'.repeat(128)])),
  }
  expect(await openRunId(await runIdOf(longest, OWNER), OWNER)).toEqual(longest)
})

async function runIdOfPayload(payload: string): Promise<string> {
  const key = await crypto.subtle.importKey('raw', OWNER.key, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const signed = concatBytes([utf8('warmpath/run/v1\nk1\n'), utf8(payload)])
  const code = new Uint8Array(await crypto.subtle.sign('HMAC', key, signed)).slice(0, 16)
  return idOf(concatBytes([code, utf8(payload)]))
}
