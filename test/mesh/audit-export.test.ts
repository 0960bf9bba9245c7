/** An exported audit log holds up before whoever was not there: whole over restarts, and any change of it is found. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeDigests } from '../../tools/verify/node-digests.ts'
import { verifyAudit } from '../../tools/verify/audit.ts'
import { entriesOf, exportOf, publishedKeys } from '../support/audit.ts'
import { chat } from '../support/chat.ts'
import { aMeshConfig } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

let mesh: TestMesh
let before: string
let text: string
beforeAll(async () => {
  mesh = await startMesh({ colos: ['FRA'], distances: false })
  await ask(3)
  before = await exportOf(mesh, 'eu-bank')
  // Isolates and objects begin anew: another batch, perhaps to another log, and the chains go on.
  await mesh.restart((urls) => aMeshConfig(urls))
  for (let round = 0; round < 3; round += 1) await ask(2)
  text = await exportOf(mesh, 'eu-bank')
})
afterAll(async () => mesh.stop())

async function ask(count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const response = await chat(mesh, 'FRA', 'Hello.', { tenant: 'eu-bank', body: { max_tokens: 2 } })
    await response.text()
    if (number === count - 1) await entriesOf(mesh, response)
  }
}

async function verify(changed: string, earlier: readonly string[] = []) {
  return verifyAudit({ text: changed, keys: await publishedKeys(), earlier }, nodeDigests)
}

const parse = (line: string) => JSON.parse(line) as Record<string, unknown>

test('it is whole, chain by chain, and holds what an earlier one was signed for', async () => {
  const checked = await verify(text, [before])
  expect(checked).toMatchObject({ ok: true, value: { tenant: 'eu-bank' } })
  const chains = checked.ok ? checked.value.chains : []
  expect(chains.length).toBeGreaterThan(0)
  expect(chains.every(({ report }) => report.ok)).toBe(true)
  const entries = chains.map(({ report }) => (report.ok ? (report.range?.last ?? 0) : 0))
  expect(entries.reduce((sum, last) => sum + last, 0)).toBe(9)
})

test('its hashes are those that whoever reads the documentation makes', () => {
  const hashes = new Map<string, Buffer>()
  for (const line of text.split('\n').slice(1, -1)) {
    const { hash, ...entry } = parse(line)
    const chain = String(entry['chain'])
    const last = hashes.get(chain) ?? sha256(Buffer.from(`warmpath/audit/v1\n${chain}`))
    const next = sha256(Buffer.concat([last, Buffer.from(inOrder(entry))]))
    expect(hash).toBe(next.toString('base64url'))
    hashes.set(chain, next)
  }
  expect(hashes.size).toBeGreaterThan(0)
})

test('of every line, a single changed character is found', async () => {
  const lines = text.split('\n').slice(0, -1)
  for (const [index, line] of lines.entries()) {
    // Of the heads, the signature; of an entry, the config's version.
    const at = index === 0 ? line.length - 20 : line.indexOf('"cfg_') + 6
    const other = line[at] === 'a' ? 'b' : 'a'
    const changed = lines.with(index, `${line.slice(0, at)}${other}${line.slice(at + 1)}`)
    const checked = await verify(`${changed.join('\n')}\n`)
    const holds = checked.ok && checked.value.chains.every(({ report }) => report.ok)
    expect(holds, `line ${index + 1}`).toBe(false)
  }
})

test('that one is missing is found, wherever it was', async () => {
  const lines = text.split('\n').slice(0, -1)
  for (let index = 1; index < lines.length; index += 1) {
    const checked = await verify(`${lines.toSpliced(index, 1).join('\n')}\n`)
    expect(checked.ok && checked.value.chains.every(({ report }) => report.ok), `line ${index + 1}`).toBe(
      false,
    )
  }
})

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** Canonical JSON (RFC 8785) of what entries have: no numbers but whole ones, no names but in ASCII. */
function inOrder(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inOrder).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${inOrder(member)}`).join(',')}}`
}
