import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonSchemaText } from '../../../tools/schema/json-schema.ts'
import { keysOf } from './schema-keys.ts'

const DOC = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')
/** A row of a table of keys: key, type, default, meaning. */
const ROW = /^\| `([a-z0-9_.]+)` +\| ([^|]+?) +\| ([^|]+?) +\| ([^|]+?) +\|$/gm

describe('docs/configuration.md', () => {
  const rows = [...DOC.matchAll(ROW)].map(([, path, , defaultCell, meaning]) => [path, defaultCell, meaning])

  test('has each key of the schema with its default and meaning, and no other key', () => {
    const expected = keysOf(jsonSchemaText()).map(({ path, isRequired, defaultText, description }) => [
      path,
      isRequired ? 'must be given' : defaultText === undefined ? '–' : `\`${defaultText}\``,
      description,
    ])
    const byPath = (a: readonly unknown[], b: readonly unknown[]): number =>
      String(a[0]).localeCompare(String(b[0]))
    expect(rows.map(withoutSpaces).toSorted(byPath)).toEqual(expected.map(withoutSpaces).toSorted(byPath))
  })
})

/** JSON in a cell may be spaced for reading. */
function withoutSpaces([path, defaultCell, meaning]: readonly (string | undefined)[]): readonly unknown[] {
  return [path, defaultCell === 'must be given' ? defaultCell : defaultCell?.replaceAll(' ', ''), meaning]
}
