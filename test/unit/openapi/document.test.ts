import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, test } from 'vitest'
import document from '../../../docs/openapi.json'
import { openApiPage } from '../../../shared/openapi/page.ts'
import { openApiText } from '../../../tools/schema/openapi-text.ts'

describe('docs/openapi.json', () => {
  test('is OpenAPI 3.1, as a validator that is not ours finds', async () => {
    const validator = new Validator()
    const result = await validator.validate(structuredClone(document))
    expect(result).toMatchObject({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  test('a document that is not would be found', async () => {
    const broken = { ...structuredClone(document), paths: { 'no-slash': { get: { responses: 7 } } } }
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
  })

  test('is what the schemas make of it', () => {
    expect(JSON.parse(openApiText())).toEqual(document)
  })

  test('has a body for each schema, with the bounds that are checked', () => {
    const { PutConfig, ChatRequest } = document.components.schemas
    expect(PutConfig.properties.expected).toMatchObject({ pattern: '^cfg_[0-9a-f]{12}$' })
    expect(PutConfig.required).toEqual(['config'])
    expect(ChatRequest.properties).toHaveProperty('temperature')
  })
})

test('the page names every operation, and brings nothing in from elsewhere', () => {
  const page = openApiPage(document)
  for (const path of Object.keys(document.paths)) expect(page).toContain(path)
  expect(page).not.toMatch(/<script|src=|https?:\/\/|url\(/)
})
