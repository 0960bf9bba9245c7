/** Secrets that others have: those that a local start keeps on this machine, and those of the tests, which are public. */
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** They stand in this repository. */
const PUBLIC = [
  'test fingerprint secret of 32 bytes or more',
  'test encryption secret of 32 bytes or more',
  'test-admin-token-0123456789abcdef',
  'a3'.repeat(32),
  'sk-mesh-demo-0123456789abcdefghijABCDEFGHIJ',
  'sk-mesh-eu-bank-0123456789abcdefghijABCDEFGHIJ',
]

/** @param stateDir where a local start keeps its files */
export function knownSecrets(stateDir: string): ReadonlySet<string> {
  const files = ['secrets.json', 'dev.json'].map((file) => path.join(stateDir, file))
  return new Set([...PUBLIC, ...files.flatMap((file) => textsIn(jsonOf(file)))])
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // There was no local start here.
    return undefined
  }
}

/** The fields of these files that hold secrets, whatever their names: short texts (ids, regions) are none. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.length >= 32 ? [value] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}
