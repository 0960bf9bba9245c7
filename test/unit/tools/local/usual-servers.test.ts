/** What is found on this machine is offered in the dialect that the mesh has for it. */
import { afterEach, expect, test, vi } from 'vitest'
import { findUsualServers } from '../../../../tools/local/usual-servers.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

test('each usual server is offered in its own dialect, with its models; what does not answer is not', async () => {
  vi.stubGlobal('fetch', (url: string) =>
    url.includes(':8080')
      ? Promise.reject(new Error('refused'))
      : Promise.resolve(Response.json({ data: [{ id: `model of ${new URL(url).port}` }] })),
  )
  expect(await findUsualServers()).toEqual([
    { name: 'Ollama', dialect: 'ollama', url: 'http://127.0.0.1:11434/v1', models: ['model of 11434'] },
    { name: 'vLLM', dialect: 'vllm', url: 'http://127.0.0.1:8000/v1', models: ['model of 8000'] },
    { name: 'LM Studio', dialect: 'openai', url: 'http://127.0.0.1:1234/v1', models: ['model of 1234'] },
  ])
})
