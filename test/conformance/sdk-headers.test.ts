/**
 * What SDKs send by themselves. A request that asks to be kept is refused where nothing may be kept; that must never meet one whose
 * author asked for nothing.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText } from 'ai'
import OpenAI from 'openai'
import { expect, test } from 'vitest'

/** Fails what can be repeated, and keeps the headers of every attempt. */
function failingFetch(status: number): { readonly sent: Headers[]; readonly fetch: typeof fetch } {
  const sent: Headers[] = []
  return {
    sent,
    fetch(input, init) {
      sent.push(new Request(input, init).headers)
      return Promise.resolve(Response.json({ error: { message: 'Busy.' } }, { status }))
    },
  }
}

const OPTIONS = { baseURL: 'https://mesh.example.com/v1', apiKey: 'sk-test' }

test('openai claims no request by an Idempotency-Key and makes none resumable, the retries neither', async () => {
  const { sent, fetch } = failingFetch(409)
  const client = new OpenAI({ ...OPTIONS, fetch, maxRetries: 1 })
  const asked = client.chat.completions.create({
    model: 'story',
    messages: [{ role: 'user', content: 'Hi' }],
  })
  await expect(asked).rejects.toMatchObject({ status: 409 })
  expect(sent.map((headers) => headers.get('x-stainless-retry-count'))).toEqual(['0', '1'])
  for (const headers of sent) {
    expect([headers.get('idempotency-key'), headers.get('x-mesh-resumable')]).toEqual([null, null])
  }
})

test('the AI SDK does not either', async () => {
  const { sent, fetch } = failingFetch(503)
  const provider = createOpenAICompatible({ ...OPTIONS, name: 'mesh', fetch })
  await expect(generateText({ model: provider('story'), prompt: 'Hi', maxRetries: 0 })).rejects.toBeDefined()
  expect(sent).toHaveLength(1)
  expect([sent[0]?.get('idempotency-key'), sent[0]?.get('x-mesh-resumable')]).toEqual([null, null])
})
