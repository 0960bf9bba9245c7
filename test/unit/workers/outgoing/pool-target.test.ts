/** A pool's address, credentials and binding are looked up by the names in its config, and nothing is made up. */
import { expect, test } from 'vitest'
import type { Pool } from '../../../../shared/schema/mesh.ts'
import type { Environment } from '../../../../workers/environment.ts'
import { poolTarget } from '../../../../workers/outgoing/pool-target.ts'

const POOL: Pool = {
  id: 'onprem',
  region: 'eu-central',
  dialect: 'vllm',
  url: 'https://gpu.example.com:8443/v1/',
  models: [{ model: 'story' }],
  capacity: 4,
  price: { prompt: 0, cached_prompt: 0, completion: 0 },
  shared_prefix: false,
  sovereign: false,
}

const fetcher = { fetch: () => Promise.resolve(new Response()) }

function environment(bindings: Readonly<Record<string, unknown>>): Environment {
  return bindings as unknown as Environment
}

test('a pool without credentials gets none', () => {
  expect(poolTarget(POOL, environment({}))).toEqual({
    baseUrl: 'https://gpu.example.com:8443/v1',
    host: 'gpu.example.com:8443',
    headers: {},
  })
})

test('a secret is sent as a bearer token', () => {
  const pool = { ...POOL, auth: 'secret:POOL_ONPREM' }
  expect(poolTarget(pool, environment({ POOL_ONPREM: 'hush' }))?.headers).toEqual({
    authorization: 'Bearer hush',
  })
})

test.each([
  ['in the header of its dialect, by itself', { dialect: 'azure' }, { 'api-key': 'hush' }],
  ['in another dialect’s', { dialect: 'anthropic' }, { 'x-api-key': 'hush' }],
  ['in the header that its config names', { auth_header: 'x-gateway-key' }, { 'x-gateway-key': 'hush' }],
  [
    'as a bearer token, where its config says so',
    { dialect: 'azure', auth_header: 'authorization' },
    { authorization: 'Bearer hush' },
  ],
] as const)('a secret is sent %s', (_name, changes, headers) => {
  const pool: Pool = { ...POOL, auth: 'secret:POOL_ONPREM', ...changes }
  expect(poolTarget(pool, environment({ POOL_ONPREM: 'hush' }))?.headers).toEqual(headers)
})

test('behind a binding the API begins where its dialect has it', () => {
  const { url: _url, ...rest } = POOL
  const pool: Pool = { ...rest, dialect: 'azure', binding: 'ONPREM' }
  expect(poolTarget(pool, environment({ ONPREM: fetcher }))?.baseUrl).toBe('https://onprem.pool')
})

test('a private pool is reached through its binding, under a host of its own', () => {
  const { url: _url, ...rest } = POOL
  expect(poolTarget({ ...rest, binding: 'ONPREM' }, environment({ ONPREM: fetcher }))).toEqual({
    baseUrl: 'https://onprem.pool/v1',
    host: 'onprem.pool',
    headers: {},
    through: fetcher,
  })
})

test.each([
  ['a secret that is not bound', { auth: 'secret:POOL_ONPREM' }, {}],
  ['an empty secret', { auth: 'secret:POOL_ONPREM' }, { POOL_ONPREM: '' }],
  ['a binding that is not bound', { binding: 'ONPREM' }, {}],
  ['a text in place of a binding', { binding: 'ONPREM' }, { ONPREM: 'https://gpu.example.com' }],
])('%s makes the pool unusable, and is no reason to go without', (_name, changes, bindings) => {
  expect(poolTarget({ ...POOL, ...changes }, environment(bindings))).toBeUndefined()
})
