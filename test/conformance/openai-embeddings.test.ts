/** Vectors as the real `openai` package and the AI SDK ask for them and read them. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embed, embedMany } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anew } from './ask.ts'
import { openAi, openTarget, recordingFetch, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

const TEXTS = ['The sea is blue.', 'The forest is green.', 'The sea is blue.']

describe('openai', () => {
  const embeddings = (options = {}) => openAi(target, options).embeddings

  test('gives vectors of floats in the order of the inputs, and the counts', async () => {
    const answer = await embeddings().create({ model: target.model, input: TEXTS.map(anew) })
    expect(answer).toMatchObject({ object: 'list', model: target.model })
    expect(answer.data.map(({ index, object }) => [index, object])).toEqual([
      [0, 'embedding'],
      [1, 'embedding'],
      [2, 'embedding'],
    ])
    expect(answer.usage.prompt_tokens).toBeGreaterThan(6)
    expect(answer.usage.total_tokens).toBe(answer.usage.prompt_tokens)
    for (const { embedding } of answer.data) {
      expect(embedding.every(Number.isFinite)).toBe(true)
      expect(embedding.length).toBeGreaterThan(8)
    }
  })

  test('asks for base64 by itself, and what it reads is what it gets as floats', async () => {
    const { fetch, exchanges } = recordingFetch()
    const input = TEXTS.map(anew)
    const usual = await embeddings({ fetch }).create({ model: target.model, input })
    const floats = await embeddings().create({ model: target.model, input, encoding_format: 'float' })
    expect(exchanges).toHaveLength(1)
    expect(floats.data.map(({ embedding }) => embedding.map(Math.fround))).toEqual(
      usual.data.map(({ embedding }) => [...embedding]),
    )
  })

  test('gets the same again from the cache, input by input', async () => {
    const { fetch, exchanges } = recordingFetch()
    const client = embeddings({ fetch })
    const [one = '', two = '', three = ''] = TEXTS.map(anew)
    const first = await client.create({ model: target.model, input: [one, two] })
    const again = () => client.create({ model: target.model, input: [two, three, one] })
    await expect
      .poll(async () => {
        await again()
        return exchanges.at(-1)?.headers.get('x-mesh-cache')
      })
      .toBe('hit')
    const known = await again()
    expect([known.data[2]?.embedding, known.data[0]?.embedding]).toEqual([
      first.data[0]?.embedding,
      first.data[1]?.embedding,
    ])
    expect(exchanges.at(-1)?.headers.get('cache-status')).toMatch(/^warmpath; hit; ttl=\d+; detail="3\/3"$/)
  })

  test('can have shorter vectors, and send one text, or token ids', async () => {
    const short = await embeddings().create({ model: target.model, input: anew('Short'), dimensions: 8 })
    expect(short.data[0]?.embedding).toHaveLength(8)
    const tokens = await embeddings().create({ model: target.model, input: [[1, 2, 3], [4]] })
    expect(tokens.data).toHaveLength(2)
    expect(tokens.usage.prompt_tokens).toBe(4)
  })

  test.each([
    ['an empty text', { input: '' }, 'input'],
    ['no text', { input: [] }, 'input'],
    ['an empty text among others', { input: ['a', ''] }, 'input[1]'],
    ['too many texts', { input: Array.from({ length: 2049 }, () => 'a') }, 'input'],
    ['a length that is none', { input: 'a', dimensions: 0 }, 'dimensions'],
  ])('%s is a typed error', async (_name, fields, param) => {
    const asked = embeddings().create({ model: target.model, ...fields })
    await expect(asked).rejects.toMatchObject({ status: 400, code: 'invalid_parameter', param })
  })

  test('a model that does not exist is a typed error', async () => {
    const asked = embeddings().create({ model: 'no-such-model', input: 'a' })
    await expect(asked).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })
})

describe('the AI SDK', () => {
  const model = () =>
    createOpenAICompatible({
      name: 'warmpath',
      baseURL: `${target.url}/v1`,
      apiKey: target.key,
    }).embeddingModel(target.model)

  test('embeds one text', async () => {
    const { embedding, usage } = await embed({ model: model(), value: anew('One text.'), maxRetries: 0 })
    expect(embedding.length).toBeGreaterThan(8)
    expect(usage.tokens).toBeGreaterThan(1)
  })

  test('embeds many, in their order', async () => {
    const values = TEXTS.map(anew)
    const { embeddings, usage } = await embedMany({ model: model(), values, maxRetries: 0 })
    expect(embeddings).toHaveLength(3)
    expect(usage.tokens).toBeGreaterThan(6)
    const { embedding } = await embed({ model: model(), value: values[1] ?? '', maxRetries: 0 })
    expect(embeddings[1]).toEqual(embedding)
  })
})
