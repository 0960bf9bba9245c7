/** The Worker inside its runtime: it answers, and reads nothing of a body before it knows who sent it and where it arrived. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import worker from '../../workers/dev/index.ts'
import { KEYS } from '../support/keys.ts'

test('answers on its health path', async () => {
  const response = await exports.default.fetch('http://edge.test/healthz')
  expect(response.status).toBe(200)
  expect(await response.json()).toEqual({ status: 'ok' })
})

test.each([
  ['without a key', {}, 401],
  ['with a wrong key', { authorization: `Bearer ${KEYS.demo.slice(0, -1)}x` }, 401],
  [
    'with a header that cannot be read',
    { authorization: `Bearer ${KEYS.demo}`, 'x-mesh-cache': 'maybe' },
    400,
  ],
])('%s no byte of the body is read', async (_name, headers, status) => {
  let reads = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        reads += 1
        controller.enqueue(new TextEncoder().encode('{"model":'))
      },
    },
    { highWaterMark: 0 },
  )
  const request = new Request<unknown, IncomingRequestCfProperties>('http://edge.test/v1/chat/completions', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
  })
  const context = createExecutionContext()
  const response = await worker.fetch?.(request, env, context)
  await waitOnExecutionContext(context)
  expect(response?.status).toBe(status)
  expect(reads).toBe(0)
})
