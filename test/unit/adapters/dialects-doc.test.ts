import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CHAT_FIELDS, COMPLETIONS_FIELDS, EMBEDDINGS_FIELDS } from '../../../shared/schema/fields.ts'
import type { PoolAdapter } from '../../../workers/adapters/adapter.ts'
import { adapters } from '../../../workers/adapters/index.ts'

const DOC = readFileSync(join(import.meta.dirname, '../../../docs/dialects.md'), 'utf8')
const BASES = { chat: CHAT_FIELDS, completions: COMPLETIONS_FIELDS, embeddings: EMBEDDINGS_FIELDS }
const CELL = /^(?:(?<none>none)|only (?<only>[^,]+)|all(?: but (?<less>[^,]+))?(?:, and (?<more>.+))?)$/

/** Rows of a section, by their first cell. */
function rows(title = 'Fields'): ReadonlyMap<string, readonly string[]> {
  const section = new RegExp(`^## ${title}$(.*?)^## `, 'ms').exec(DOC)?.[1] ?? ''
  const cells = section.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  return new Map(cells.map(([, name = '', ...rest]) => [name, rest]))
}

function namesIn(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(/`([a-z_]+)`/g)].map(([, name = '']) => name)
}

/** The fields that a cell stands for, given OpenAI's. */
function fieldsOf(cell: string, base: ReadonlySet<string>): ReadonlySet<string> {
  const { none, only, less, more } = CELL.exec(cell)?.groups ?? {}
  if (none !== undefined) return new Set()
  if (only !== undefined) return new Set(namesIn(only))
  const without = new Set(namesIn(less))
  return new Set([...[...base].filter((field) => !without.has(field)), ...namesIn(more)])
}

describe('docs/dialects.md', () => {
  test.each(Object.entries(BASES))('lists OpenAI’s fields of %s', (surface, fields) => {
    expect(new Set(namesIn(rows().get(surface)?.[0]))).toEqual(fields)
  })

  test.each(Object.values(adapters))('lists the fields of $dialect', ({ dialect, fields, embeddings }) => {
    const [chat = '', completions = '', vectors = ''] = rows().get(`\`${dialect}\``) ?? []
    expect(fieldsOf(chat, BASES.chat)).toEqual(fields.chat)
    expect(fieldsOf(completions, BASES.completions)).toEqual(fields.completions)
    expect(fieldsOf(vectors, BASES.embeddings)).toEqual(embeddings.fields)
  })

  test.each(Object.values(adapters))('lists how $dialect is asked for its load', (adapter: PoolAdapter) => {
    const cells = rows('Load and probe').get(`\`${adapter.dialect}\``) ?? []
    const paths = [...(cells[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, path]) => path)
    expect(paths).toEqual((adapter.load?.sources ?? []).map(({ path }) => path))
    expect(cells[3]).toBe(adapter.load === undefined ? 'none' : `\`${adapter.load.probePath}\``)
  })

  test.each(Object.keys(adapters))('has %s in every table of dialects', (dialect) => {
    const inTables = DOC.split('\n').filter((line) => line.startsWith(`| \`${dialect}\``))
    expect(inTables).toHaveLength(7)
  })
})
