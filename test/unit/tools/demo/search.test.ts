import { createHash } from 'node:crypto'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { filesUnder, timesFound } from '../../../../tools/demo/search.ts'

const MARKER = 'account-0123456789abcdef'
const hash = (name: string) => createHash(name).update(MARKER).digest()

test.each<[string, Buffer, number]>([
  ['nothing', Buffer.from('nothing of it, account-0123'), 0],
  ['the text, twice', Buffer.from(`{"a":"${MARKER}","b":"${MARKER.toUpperCase()}"}`), 2],
  ['its bytes among others', Buffer.concat([Buffer.from([0, 255, 7]), Buffer.from(MARKER)]), 1],
  ['its hex', Buffer.from(Buffer.from(MARKER).toString('hex')), 1],
  ['its SHA-256 as hex', Buffer.from(hash('sha256').toString('hex')), 1],
  ['its MD5 as bytes', Buffer.concat([Buffer.from('x'), hash('md5')]), 1],
  ['its SHA-1 as base64url', Buffer.from(hash('sha1').toString('base64url')), 1],
])('%s', (_name, bytes, times) => {
  expect(timesFound(MARKER, bytes)).toBe(times)
})

test.each([0, 1, 2, 3, 4])('base64 of a text with the marker behind %i bytes', (before) => {
  const text = `${'x'.repeat(before)}${MARKER} and more`
  expect(timesFound(MARKER, Buffer.from(Buffer.from(text).toString('base64')))).toBe(1)
})

test('every file under a folder is read', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'warmpath-search-'))
  await mkdir(path.join(dir, 'a/b'), { recursive: true })
  await writeFile(path.join(dir, 'one'), 'one')
  await writeFile(path.join(dir, 'a/b/two'), MARKER)
  const files = await filesUnder(dir)
  expect(files.map(String).toSorted()).toEqual([MARKER, 'one'])
  await rm(dir, { recursive: true })
})
