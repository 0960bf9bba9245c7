import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { chunksOf, contentOf, eventsOf, post, textOf, type Whole } from './client.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ model: 'sim', servedModelNames: ['sim-8b', 'alias'], maxModelLen: 2_000 })
})
beforeEach(() => engine.clearCache())
afterAll(() => engine.close())

describe('the completions surface', () => {
  test('takes a text, an array of one, and token ids, which all mean the same', async () => {
    const tokenized = await post(engine, '/tokenize', { prompt: 'Once upon a time' })
    const { tokens, count } = (await tokenized.json()) as { tokens: number[]; count: number }
    expect(count).toBe(4)
    const answers: Whole[] = []
    for (const prompt of ['Once upon a time', ['Once upon a time'], tokens, [tokens]]) {
      const response = await post(engine, '/v1/completions', { prompt, temperature: 0 })
      answers.push((await response.json()) as Whole)
    }
    expect(new Set(answers.map(contentOf)).size).toBe(1)
    expect(answers[0]).toMatchObject({
      object: 'text_completion',
      choices: [{ index: 0, logprobs: null, finish_reason: 'length', stop_reason: null }],
      usage: { prompt_tokens: 4, completion_tokens: 16, total_tokens: 20 },
    })
    expect(answers[0]?.id).toMatch(/^cmpl-/)
  })

  test('streams text, and the token ids from which it can be continued exactly', async () => {
    const body = { prompt: 'Once upon a time', temperature: 0, max_tokens: 20 }
    const whole = (await (await post(engine, '/v1/completions', body)).json()) as Whole
    const streaming = { ...body, stream: true, return_token_ids: true, max_tokens: 7 }
    const chunks = chunksOf(await eventsOf(await post(engine, '/v1/completions', streaming)))
    expect(chunks.every(({ object }) => object === 'text_completion')).toBe(true)
    expect(chunks.length).toBe(7)
    const first = chunks[0]?.choices[0] as { prompt_token_ids?: number[] } | undefined
    const ids = [
      ...(first?.prompt_token_ids ?? []),
      ...chunks.flatMap(({ choices }) => choices[0]?.token_ids ?? []),
    ]
    const rest = await post(engine, '/v1/completions', { ...body, prompt: ids, max_tokens: 13 })
    expect(textOf(chunks) + contentOf((await rest.json()) as Whole)).toBe(contentOf(whole))
  })
})
