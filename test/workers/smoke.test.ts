import { exports } from 'cloudflare:workers'
import { expect, test } from 'vitest'

test('answers on its health path', async () => {
  const response = await exports.default.fetch('http://edge.test/healthz')
  expect(response.status).toBe(200)
})
