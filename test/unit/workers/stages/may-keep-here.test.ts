/** What an isolate may hold of a request: anything without rules, and with them only in a data centre the config vouches for. */
import { describe, expect, test } from 'vitest'
import type { Fingerprinted } from '../../../../workers/contexts.ts'
import { knownHere } from '../../../../workers/stages/known-here.ts'
import { mayKeepHere } from '../../../../workers/stages/may-keep-here.ts'
import { setUp } from '../an-admitted.ts'

const FREE = setUp({ tenant: 'demo' }).context.placement
const stored = (storage: string) =>
  setUp({ config: { tenants: [{ id: 'demo', floor: { anywhere: true }, storage }] } }).context.placement
/** Of a tenant whose data may only be in the EU: at Frankfurt and Amsterdam, by the config. */
const EU_ONLY = setUp({ tenant: 'eu-bank' }).context.placement

test.each([
  ['FRA', true],
  ['AMS', true],
  ['IAD', false],
  ['CDG', false],
  ['fra', false],
  ['', false],
  [undefined, false],
])('of a request that is bound to the EU, at %s: %s', (colo, expected) => {
  const arrival = { host: 'edge.test', ...(colo === undefined ? {} : { colo }) }
  expect(mayKeepHere(EU_ONLY, arrival)).toBe(expected)
  expect(mayKeepHere(FREE, arrival)).toBe(true)
})

test.each([
  ['home', 'FRA', true],
  ['home', 'SIN', true],
  ['home', 'CDG', false],
  ['home', undefined, false],
  ['none', 'FRA', false],
  ['none', undefined, false],
])('of a request whose storage is %s, at %s: %s', (storage, colo, expected) => {
  const arrival = { host: 'edge.test', ...(colo === undefined ? {} : { colo }) }
  expect(mayKeepHere(stored(storage), arrival)).toBe(expected)
})

test('where the platform thinks that the client is proves nothing', () => {
  const guessed = { host: 'edge.test', country: 'DE', continent: 'EU', latitude: 50.11, longitude: 8.68 }
  expect(mayKeepHere(EU_ONLY, guessed)).toBe(false)
})

describe('what the routing is told besides the content', () => {
  function told(tenant: 'demo' | 'eu-bank', colo: string, affinity?: string) {
    const { context } = setUp({ tenant })
    const narrowing = { ...context.narrowing, ...(affinity === undefined ? {} : { affinity }) }
    const arrival = { host: 'edge.test', colo }
    // Of a request, this reads what is here.
    return knownHere({ ...context, narrowing, arrival, requestId: 'req_7' } as unknown as Fingerprinted)
  }

  test('is what belongs together, whether it may be remembered, and a name for the log', () => {
    expect(told('eu-bank', 'FRA', 'chat-1')).toEqual({
      affinity: 'chat-1',
      isRemembered: true,
      name: 'req_7',
    })
  })

  test('is that nothing may be remembered where rules do not allow it to be here', () => {
    expect(told('eu-bank', 'IAD')).toEqual({ isRemembered: false, name: 'req_7' })
  })
})
