/** The local runtime pretends where production believes only the platform. */
import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { devRuntime } from '../../workers/dev/runtime.ts'
import type { Environment } from '../../workers/environment.ts'
import { productionRuntime } from '../../workers/runtime.ts'
import { aMeshConfig } from '../support/mesh-config.ts'

const config = aMeshConfig({
  'eu-central': 'http://a.test',
  'us-east': 'http://b.test',
  'ap-southeast': 'http://c.test',
})

function runtimeWith(bindings: Readonly<Record<string, string>> = {}) {
  return devRuntime({ ...env, ...bindings } as Environment, config)
}

function arriving(colo?: string): Request {
  return new Request('http://edge.test/', { headers: colo === undefined ? {} : { 'x-mesh-dev-colo': colo } })
}

test.each([
  [
    'SIN',
    { host: 'edge.test', colo: 'SIN', country: 'SG', continent: 'AS', latitude: 1.4, longitude: 103.8 },
  ],
  ['ZZZ', { host: 'edge.test', colo: 'ZZZ' }],
  ['constructor', { host: 'edge.test', colo: 'constructor' }],
])('a request can pretend to arrive at %s', (colo, arrival) => {
  expect(runtimeWith().arrivalOf(arriving(colo))).toEqual(arrival)
})

test('without the header it arrives at the configured data centre, else at the first of the config', () => {
  expect(runtimeWith({ MESH_DEV_COLO: 'IAD' }).arrivalOf(arriving()).colo).toBe('IAD')
  expect(runtimeWith().arrivalOf(arriving()).colo).toBe('FRA')
})

test('production does not read the header', () => {
  expect(productionRuntime.arrivalOf(arriving('SIN'))).toEqual({ host: 'edge.test' })
})

test('simulated pools hear where a call comes from, real ones do not', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(new Response()))
  const [eu] = config.regions
  if (eu === undefined) throw new Error('no region')
  const init = { method: 'POST', headers: { accept: 'text/event-stream' } }
  await runtimeWith().send('http://a.test/', init, eu)
  await productionRuntime.send('http://a.test/', init, eu)
  const seen = fetched.mock.calls.map(([, sent]) => new Headers(sent?.headers))
  fetched.mockRestore()
  expect(seen.map((headers) => headers.get('x-sim-edge-region'))).toEqual(['eu-central', null])
  expect(seen.map((headers) => headers.get('accept'))).toEqual(['text/event-stream', 'text/event-stream'])
})

test('a delayed store works like the real one, in methods that are not delayed too', async () => {
  const answers = runtimeWith({ MESH_DEV_DELAYS: '{"kvColdMs":1}' }).answers(env.ANSWERS)
  const key = crypto.randomUUID()
  expect(await answers.get(key)).toBeNull()
  await env.ANSWERS.put(key, 'elsewhere')
  expect(await answers.get(key)).toBeNull()
  await answers.put(key, 'here')
  expect(await answers.get(key)).toBe('here')
  expect((await answers.list({ prefix: key })).keys).toMatchObject([{ name: key }])
  await answers.delete(key)
  expect(await answers.get(key)).toBeNull()
})

test('without delays the store is the real one', () => {
  expect(runtimeWith().answers(env.ANSWERS)).toBe(env.ANSWERS)
})
