/** Searches bytes for a text, in every form in which it could be recognised without a key. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

/** Of base64: characters that do not depend on what stood before the text, or behind it. */
const BASE64_FROM = 4

/** How often it is there, in any form: as it is, as hex, as base64, or as an unkeyed hash. */
export function timesFound(text: string, bytes: Buffer): number {
  const searched = bytes.toString('latin1').toLowerCase()
  const counts = formsOf(text).map((form) => searched.split(form.toLowerCase()).length - 1)
  return counts.reduce((sum, count) => sum + count, 0)
}

/** All files under a folder. */
export async function filesUnder(dir: string): Promise<readonly Buffer[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(files.map(({ parentPath, name }) => readFile(path.join(parentPath, name))))
}

function formsOf(text: string): readonly string[] {
  const base64 = [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.from('\0'.repeat(offset) + text).toString('base64')
    return encoded.slice(BASE64_FROM, -BASE64_FROM)
  })
  const hashes = ['sha256', 'sha1', 'md5'].flatMap((name) => {
    const digest = createHash(name).update(text).digest()
    return [digest.toString('hex'), digest.toString('base64url'), digest.toString('latin1')]
  })
  return [text, Buffer.from(text).toString('hex'), ...base64, ...hashes]
}
