/** Every route that the app has is in the OpenAPI document, and every one in the document is in the app. */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import document from '../../docs/openapi.json'
import { createApp } from '../../workers/app.ts'
import { createIsolate } from '../../workers/edge.ts'
import { startMesh } from '../../workers/mesh.ts'
import { productionRuntime } from '../../workers/runtime.ts'

const app = createApp(createIsolate(startMesh(env, ''), productionRuntime))
test('the document and the app have the same routes', () => {
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:([a-z]+)(?:\{[^}]*\})?/g, '{$1}')}`)
  expect(documented.toSorted()).toEqual([...new Set(served)].toSorted())
})

test.each([
  ['/admin/v1/openapi.json', 'application/json', '"openapi":"3.1.0"'],
  ['/admin/v1/docs', 'text/html; charset=utf-8', '<h1>Warmpath API</h1>'],
])('%s needs no token', async (path, type, part) => {
  const response = await app.fetch(new Request(`http://mesh.test${path}`), env, createExecutionContext())
  expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
  expect(await response.text()).toContain(part)
})
