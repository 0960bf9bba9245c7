import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startEngine, type Engine } from '../../../../tools/local/engine/start-engine.ts'
import { ask, post } from './client.ts'

let engine: Engine
beforeAll(async () => {
  engine = await startEngine({ model: 'sim', servedModelNames: ['sim-8b', 'alias'], maxModelLen: 2_000 })
})
beforeEach(() => engine.clearCache())
afterAll(() => engine.close())

const MESSAGES = [{ role: 'user', content: 'Tell me about the sea.' }]
const GREEDY = { messages: MESSAGES, temperature: 0 }

describe('the other routes', () => {
  test('list the model under each of its names', async () => {
    const list = await (await fetch(`${engine.url}/v1/models`)).json()
    expect(list).toMatchObject({
      object: 'list',
      data: [
        { id: 'sim-8b', object: 'model', owned_by: 'vllm', root: 'sim', parent: null, max_model_len: 2_000 },
        { id: 'alias', root: 'sim' },
      ],
    })
  })

  test('say that the engine is healthy, with no body', async () => {
    const response = await fetch(`${engine.url}/health`)
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  test('count a chat’s tokens as usage does, and show them', async () => {
    const response = await post(engine, '/tokenize', { messages: MESSAGES, return_token_strs: true })
    expect(await response.json()).toMatchObject({
      count: 10,
      max_model_len: 2_000,
      // The beginning, the user's turn, its text, its end, and the assistant's turn.
      token_strs: ['', '', 'Tell', ' me', ' about', ' the', ' sea', '.', '', ''],
    })
  })

  test('report metrics under vLLM’s names that agree with the stats', async () => {
    const fresh = await startEngine({ model: 'sim' })
    try {
      const usages = [await ask(fresh, 'a '.repeat(40), { max_tokens: 5 }), await ask(fresh, 'a '.repeat(40))]
      const text = await (await fetch(`${fresh.url}/metrics`)).text()
      const value = (name: string) => Number(new RegExp(`^vllm:${name}(?:{.*})? (.+)$`, 'm').exec(text)?.[1])
      const generated = usages.reduce((sum, { usage }) => sum + usage.completion_tokens, 0)
      const cached = usages.reduce(
        (sum, { usage }) => sum + (usage.prompt_tokens_details?.cached_tokens ?? 0),
        0,
      )
      const prompt = usages.reduce((sum, { usage }) => sum + usage.prompt_tokens, 0)
      expect(cached).toBeGreaterThan(0)
      expect(fresh.stats()).toEqual({
        requests: 2,
        generations: 2,
        embeddings: 0,
        prompt_tokens_computed: prompt - cached,
        prompt_tokens_cached: cached,
        tokens_generated: generated,
        running: 0,
        aborted: 0,
      })
      expect(await (await fetch(`${fresh.url}/admin/stats`)).json()).toEqual(fresh.stats())
      expect(value('num_requests_running')).toBe(0)
      expect(value('num_requests_waiting')).toBe(0)
      expect(value('kv_cache_usage_perc')).toBe(0)
      expect(value('prompt_tokens_total')).toBe(prompt)
      expect(value('prefix_cache_queries_total')).toBe(prompt)
      expect(value('prefix_cache_hits_total')).toBe(cached)
      expect(value('generation_tokens_total')).toBe(generated)
      expect(value('time_to_first_token_seconds_count')).toBe(2)
      expect(text).toContain(
        'vllm:request_success_total{model_name="sim",engine="0",finished_reason="length"} 1\n',
      )
      expect(text).toContain(
        'vllm:request_success_total{model_name="sim",engine="0",finished_reason="stop"} 1\n',
      )
    } finally {
      await fresh.close()
    }
  })

  test('need the key where vLLM does, and say so in its way', async () => {
    const keyed = await startEngine({ apiKey: 'sk-local' })
    try {
      const refused = await fetch(`${keyed.url}/v1/models`, { headers: { authorization: 'Bearer sk-other' } })
      expect([refused.status, await refused.json()]).toEqual([401, { error: 'Unauthorized' }])
      expect((await post(keyed, '/v1/chat/completions', GREEDY)).status).toBe(401)
      const headers = { authorization: 'Bearer sk-local' }
      expect((await fetch(`${keyed.url}/v1/models`, { headers })).status).toBe(200)
      expect((await fetch(`${keyed.url}/health`)).status).toBe(200)
    } finally {
      await keyed.close()
    }
  })
})
