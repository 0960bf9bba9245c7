import { describe, expect, test, vi } from 'vitest'
import { resumable } from '../../../../tools/resumable/resumable.ts'
import { aStream, LOST, MESH, scriptedFetch, STREAMED } from './scripted-fetch.ts'

const COMPLETIONS = `${MESH}/chat/completions`

async function headerSent(input: string | URL, init: RequestInit): Promise<string | null> {
  const script = scriptedFetch(new Response())
  await resumable({ fetch: script.fetch })(input, init)
  return new Headers(script.calls[0]?.init.headers).get('x-mesh-resumable')
}

describe('a streamed completion is asked for as resumable', () => {
  test.each([
    ['of the chat', COMPLETIONS, {}],
    ['of the older kind', `${MESH}/completions`, {}],
    ['at a URL object', new URL(COMPLETIONS), {}],
    ['with a query', `${COMPLETIONS}?a=/b#c`, {}],
    ['at a relative URL', '/v1/chat/completions', {}],
    ['under a prefix', 'https://a.test/mesh/v1/completions', {}],
    ['with white space in the body', COMPLETIONS, { body: '{ "stream" :\n true }' }],
    ['in small letters', COMPLETIONS, { method: 'post' }],
    ['with headers in another form', COMPLETIONS, { headers: [['a', 'b']] satisfies [string, string][] }],
  ])('%s', async (_, input, init) => {
    expect(await headerSent(input, { ...STREAMED, ...init })).toBe('true')
  })

  test('and not where the caller has said what he wants', async () => {
    const headers = { 'X-Mesh-Resumable': 'false' }
    expect(await headerSent(COMPLETIONS, { ...STREAMED, headers })).toBe('false')
  })

  test('with the caller’s other headers and settings', async () => {
    const script = scriptedFetch(new Response())
    const { signal } = new AbortController()
    const headers = { authorization: 'Bearer key', 'x-a': 'b' }
    await resumable({ fetch: script.fetch })(COMPLETIONS, { ...STREAMED, headers, signal, redirect: 'error' })
    const { init } = script.calls[0] ?? {}
    expect(init).toMatchObject({ method: 'POST', body: STREAMED.body, redirect: 'error' })
    expect(init?.signal).toBe(signal)
    expect(Object.fromEntries(new Headers(init?.headers))).toEqual({ ...headers, 'x-mesh-resumable': 'true' })
  })
})

describe('all else passes untouched', () => {
  test.each([
    ['a request that is not streamed', COMPLETIONS, { ...STREAMED, body: '{"model":"story"}' }],
    ['stream false', COMPLETIONS, { ...STREAMED, body: '{"stream":false}' }],
    ['stream as a text', COMPLETIONS, { ...STREAMED, body: '{"stream":"true"}' }],
    ['a stream further in', COMPLETIONS, { ...STREAMED, body: '{"a":{"stream":true}}' }],
    ['a prompt about streams', COMPLETIONS, { ...STREAMED, body: '{"prompt":"{\\"stream\\":true}"}' }],
    ['a body that is no JSON', COMPLETIONS, { ...STREAMED, body: '{"stream":true' }],
    ['a body that is no object', COMPLETIONS, { ...STREAMED, body: '["stream",true]' }],
    ['null', COMPLETIONS, { ...STREAMED, body: 'null "stream"' }],
    ['a body of bytes', COMPLETIONS, { ...STREAMED, body: new TextEncoder().encode(STREAMED.body) }],
    ['a GET', COMPLETIONS, { method: 'GET' }],
    ['another path', `${MESH}/embeddings`, STREAMED],
    ['a path that only ends alike', `${MESH}/xcompletions`, STREAMED],
    ['a query that looks like a path', `${MESH}/models?a=/chat/completions`, STREAMED],
    ['a Request', new Request(COMPLETIONS, STREAMED), {}],
  ])('%s', async (_, input, init) => {
    // As if the mesh kept it all the same.
    const answer = aStream([], LOST)
    const script = scriptedFetch(answer)
    expect(await resumable({ fetch: script.fetch })(input, init)).toBe(answer)
    expect(script.fetch.mock.calls[0]?.[0]).toBe(input)
    expect(script.fetch.mock.calls[0]?.[1]).toBe(init)
  })

  test.each([
    ['without a run', new Response('data: 1\n\n', { headers: { 'content-type': 'text/event-stream' } })],
    ['that is an error', new Response('data: 1\n\n', { status: 400, headers: aStream([]).headers })],
    ['that is whole', Response.json({}, { headers: { 'x-mesh-run': 'run_1' } })],
    ['without a body', new Response(null, { status: 204, headers: { 'x-mesh-run': 'run_1' } })],
  ])('an answer %s', async (_, answer) => {
    const script = scriptedFetch(answer)
    expect(await resumable({ fetch: script.fetch })(COMPLETIONS, STREAMED)).toBe(answer)
  })

  test('an error of the request itself', async () => {
    const script = scriptedFetch(LOST)
    await expect(resumable({ fetch: script.fetch })(COMPLETIONS, STREAMED)).rejects.toBe(LOST)
  })
})

test.each([
  [COMPLETIONS, 'https://mesh.test/v1/generations/run_1?from=1'],
  [`${MESH}/completions?a=b#c`, 'https://mesh.test/v1/generations/run_1?from=1'],
  ['https://a.test/chat/v1/chat/completions', 'https://a.test/chat/v1/generations/run_1?from=1'],
  ['/v1/chat/completions', '/v1/generations/run_1?from=1'],
])('the run of %s is found at %s', async (input, expected) => {
  const script = scriptedFetch(aStream(['data: 1\n\n'], LOST), aStream(['data: [DONE]\n\n']))
  const response = await resumable({ fetch: script.fetch, backoffMs: [0] })(input, STREAMED)
  await response.text()
  expect(script.calls[1]?.url).toBe(expected)
})

test('a run’s name cannot lead elsewhere', async () => {
  const first = aStream(['data: 1\n\n'], LOST)
  first.headers.set('x-mesh-run', '../../a?b')
  const script = scriptedFetch(first, aStream(['data: [DONE]\n\n']))
  await (await resumable({ fetch: script.fetch, backoffMs: [0] })(COMPLETIONS, STREAMED)).text()
  expect(script.calls[1]?.url).toBe(`${MESH}/generations/..%2F..%2Fa%3Fb?from=1`)
})

test('an attempt to resume is sent the caller’s way, with none of the caller’s body', async () => {
  const script = scriptedFetch(aStream(['data: 1\n\n'], LOST), aStream(['data: [DONE]\n\n']))
  const init = { ...STREAMED, credentials: 'include', dispatcher: 'a proxy' } as const
  await (await resumable({ fetch: script.fetch, backoffMs: [0] })(COMPLETIONS, init)).text()
  expect(script.calls[1]?.init).toEqual({
    method: 'GET',
    credentials: 'include',
    dispatcher: 'a proxy',
    headers: { accept: 'text/event-stream', authorization: 'Bearer key' },
    signal: expect.any(AbortSignal),
  })
})

test('the global fetch of the moment is used if none is given', async () => {
  const ask = resumable()
  const answer = new Response()
  const spy = vi.spyOn(globalThis, 'fetch').mockResolvedValue(answer)
  expect(await ask('https://a.test')).toBe(answer)
  spy.mockRestore()
})
