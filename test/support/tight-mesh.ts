/** A mesh for bad input, what is sent to it, and what a refusal must look like. */
import { expect } from 'vitest'
import { bodyWith, type Refused } from './bad-body.ts'
import { aMeshConfig, KEYS } from './mesh-config.ts'
import { startMesh, type TestMesh } from './mesh.ts'

export const CHAT = '/v1/chat/completions'
export const MAX_BODY_BYTES = 1024 * 1024
/** Long enough for what the tests hold open, short enough to be waited for. */
const BODY_WITHIN_MS = 4000

/** It has room for one body of the largest size: whatever is not given back is missed at once. */
export function startTightMesh(): Promise<TestMesh> {
  return startMesh({
    colos: ['FRA'],
    distances: false,
    engine: { maxModelLen: 10_000_000 },
    config: (urls) =>
      aMeshConfig(urls, {
        models: [{ id: 'story', context_length: 10_000_000 }],
        limits: {
          max_body_bytes: MAX_BODY_BYTES,
          body_budget_bytes: MAX_BODY_BYTES,
          body_within_ms: BODY_WITHIN_MS,
        },
      }),
  })
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: RequestInit['body']
}

/** Sends a good chat with whatever is different about it. */
export function ask(
  mesh: TestMesh,
  { method = 'POST', path = CHAT, headers, body = bodyWith({}) }: Ask,
): Promise<Response> {
  return mesh.fetch('FRA', path, {
    method,
    headers: headers ?? { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json' },
    ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
    redirect: 'manual',
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
}

/** Checks the envelope and the headers that every refusal has; returns the text. */
export async function expectRefusal(response: Response, { status, code, param }: Refused): Promise<string> {
  const text = await response.text()
  const { error } = JSON.parse(text) as { error: Record<string, unknown> }
  expect({ status: response.status, code: error['code'], param: error['param'] }).toEqual({
    status,
    code,
    param: param ?? null,
  })
  expect(error['message']).toMatch(/^[A-Za-z].{10,}\.$/)
  expect(error['type']).toMatch(/^[a-z_]+$/)
  expect(Object.keys(error).toSorted()).toEqual(['code', 'message', 'param', 'type'])
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{24}$/)
  return text
}

/** The next good request is answered. */
export async function expectGood(
  mesh: TestMesh,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<Response> {
  const response = await ask(mesh, { body: bodyWith(changes) })
  expect(response.status, await response.text()).toBe(200)
  return response
}

/** Every byte of the budget is needed for this one. */
export async function expectWholeBudget(mesh: TestMesh): Promise<void> {
  const empty = bodyWith({ messages: [{ role: 'user', content: '' }] })
  await expectGood(mesh, {
    messages: [{ role: 'user', content: 'y'.repeat(MAX_BODY_BYTES - empty.length) }],
  })
}

/** Generations that any pool was asked for. */
export function askedOfPools(mesh: TestMesh): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().requests, 0)
}
