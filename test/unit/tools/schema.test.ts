import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonSchemaText } from '../../../tools/schema/json-schema.ts'
import { keysOf } from './schema-keys.ts'

describe('mesh.schema.json', () => {
  test('is what the schema of the mesh makes of it', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../mesh.schema.json'), 'utf8')
    expect(text).toBe(jsonSchemaText())
  })

  test('comes out the same each time', () => {
    expect(jsonSchemaText()).toBe(jsonSchemaText())
  })

  test('says of every key what it means', () => {
    const keys = keysOf(jsonSchemaText())
    expect(keys.length).toBeGreaterThan(80)
    expect(keys.filter((key) => key.description === '').map((key) => key.path)).toEqual([])
  })
})
