/** Asks a mesh for vectors, and looks at them the way tests do. */
import { expect } from 'vitest'
import type { TestMesh } from './mesh.ts'
import { KEYS } from './mesh-config.ts'

export interface EmbedOptions {
  readonly tenant?: keyof typeof KEYS
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Embedded {
  readonly status: number
  readonly headers: Headers
  /** The error's code where there is no answer, else the word in `x-mesh-cache`. */
  readonly word: string
  /** How much of it was known: `90/100`. */
  readonly known: string | undefined
  readonly vectors: readonly (string | readonly number[])[]
  readonly promptTokens: number | undefined
}

interface Body {
  readonly error?: { readonly code: string }
  readonly data?: readonly { readonly index: number; readonly embedding: string | readonly number[] }[]
  readonly usage?: { readonly prompt_tokens: number; readonly total_tokens: number }
}

export function askForVectors(
  mesh: TestMesh,
  colo: string,
  input: unknown,
  { tenant = 'demo', body = {}, headers = {}, signal }: EmbedOptions = {},
): Promise<Response> {
  return mesh.fetch(colo, '/v1/embeddings', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS[tenant]}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'story', input, ...body }),
    ...(signal === undefined ? {} : { signal }),
  })
}

export async function embed(
  mesh: TestMesh,
  colo: string,
  input: unknown,
  options: EmbedOptions = {},
): Promise<Embedded> {
  const response = await askForVectors(mesh, colo, input, options)
  const { status, headers } = response
  const { error, data = [], usage } = (await response.json()) as Body
  expect(data.map(({ index }) => index)).toEqual([...data.keys()])
  expect(usage?.total_tokens).toBe(usage?.prompt_tokens)
  return {
    status,
    headers,
    word: error?.code ?? headers.get('x-mesh-cache') ?? '',
    known: /detail="([^"]*)"/.exec(headers.get('cache-status') ?? '')?.[1],
    vectors: data.map(({ embedding }) => embedding),
    promptTokens: usage?.prompt_tokens,
  }
}

/** Vectors are kept after their answer: waits until all of these are. */
export async function untilKept(
  mesh: TestMesh,
  colo: string,
  input: unknown,
  options: EmbedOptions = {},
): Promise<void> {
  const only = { ...options, headers: { ...options.headers, 'x-mesh-cache': 'only' } }
  await expect.poll(async () => (await embed(mesh, colo, input, only)).word, { timeout: 10_000 }).toBe('hit')
}

/** Inputs that pools were asked to embed. */
export function embeddedByPools(mesh: TestMesh): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().embeddings, 0)
}

/** Requests that pools were sent. */
export function requestsToPools(mesh: TestMesh): number {
  return Object.values(mesh.engines).reduce((sum, engine) => sum + engine.stats().requests, 0)
}
