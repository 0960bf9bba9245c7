/** What pools are sent when they are asked for vectors, by dialect. */
import { describe, expect, test } from 'vitest'
import { DENIED_FIELDS } from '../../../shared/schema/denied-fields.ts'
import { EMBEDDINGS_GATEWAY_FIELDS } from '../../../shared/schema/fields.ts'
import { adapters } from '../../../workers/adapters/index.ts'

/** Those that differ; others ask as OpenAI's does, or embed nothing. */
const DIALECTS = ['openai', 'vllm', 'llamacpp'] as const

function sent(dialect: keyof typeof adapters, params: Readonly<Record<string, unknown>> = {}) {
  const { path, body } = adapters[dialect].embeddings.buildRequest({
    inputs: ['one', 'two'],
    params,
    servedModel: 'served/name',
    cacheSalt: 'salt-of-tenant',
  })
  return { path, body: JSON.parse(body) as Record<string, unknown> }
}

describe.each(DIALECTS)('the %s dialect', (dialect) => {
  test('asks for a list in base64, under the name the pool knows, with its tenant’s salt if it takes one', () => {
    expect(sent(dialect)).toEqual({
      path: 'embeddings',
      body: {
        model: 'served/name',
        input: ['one', 'two'],
        encoding_format: 'base64',
        ...(dialect === 'vllm' ? { cache_salt: 'salt-of-tenant' } : {}),
      },
    })
  })

  test('passes on what was admitted, and lets it replace none of ours', () => {
    const hostile = { model: 'x', input: 'x', encoding_format: 'x' }
    const { body } = sent(dialect, { dimensions: 8, ...hostile })
    expect(body).toEqual({ ...sent(dialect).body, dimensions: 8 })
  })
})

test('no dialect takes a field that stays with the gateway or reaches into the engine', () => {
  for (const { dialect, embeddings } of Object.values(adapters)) {
    for (const field of [...DENIED_FIELDS, ...EMBEDDINGS_GATEWAY_FIELDS]) {
      expect(embeddings.fields.has(field), `${field} of ${dialect}`).toBe(false)
    }
  }
})

test('only pools that can shorten vectors take dimensions', () => {
  const takers = DIALECTS.filter((dialect) => adapters[dialect].embeddings.fields.has('dimensions'))
  expect(takers.toSorted()).toEqual(['openai', 'vllm'])
})
