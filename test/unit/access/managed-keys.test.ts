/** Keys are made once, replaced with an overlap, and never good again once they were taken back. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createKey,
  findKey,
  liveKeys,
  NO_KEYS,
  revokeKey,
  rotateKey,
  tenantOf,
  type ManagedKey,
  type ManagedKeys,
} from '../../../shared/access/managed-keys.ts'
import type { Tenant } from '../../../shared/schema/mesh.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'

const CONFIG_IDS = ['k1']

function aKey(id: string, changes: Partial<ManagedKey> = {}): ManagedKey {
  return { id, sha256: `secret of ${id}`, createdAtMs: 0, ...changes }
}

function withKeys(...keys: ManagedKey[]): ManagedKeys {
  return { keys, revoked: [] }
}

describe('a key', () => {
  test('is found by its secret until it expires', () => {
    const state = withKeys(aKey('a', { expiresAtMs: 100 }), aKey('b'))
    expect(findKey(state, 'secret of a', 99)?.id).toBe('a')
    expect(findKey(state, 'secret of a', 100)).toBeUndefined()
    expect(findKey(state, 'secret of b', 1e15)?.id).toBe('b')
    expect(findKey(state, 'another', 0)).toBeUndefined()
  })

  test('has an id that no other has, had, or has in the config', () => {
    const state = { keys: [aKey('a')], revoked: ['gone'] }
    for (const id of ['a', 'gone', 'k1']) {
      expect(createKey(state, aKey(id), CONFIG_IDS)).toEqual({ ok: false, error: 'key_exists' })
    }
    expect(createKey(state, aKey('c'), CONFIG_IDS)).toMatchObject({ ok: true })
  })

  test('that was replaced counts until its overlap ends, and the one before it no more', () => {
    const once = rotateKey(withKeys(aKey('a')), { id: 'a', sha256: 'second', overlapUntilMs: 50 }, CONFIG_IDS)
    const state = once.ok ? once.value : NO_KEYS
    expect([findKey(state, 'secret of a', 49)?.id, findKey(state, 'secret of a', 50)]).toEqual([
      'a',
      undefined,
    ])
    expect(findKey(state, 'second', 1000)?.id).toBe('a')
    const twice = rotateKey(state, { id: 'a', sha256: 'third', overlapUntilMs: 90 }, CONFIG_IDS)
    expect(findKey(twice.ok ? twice.value : NO_KEYS, 'secret of a', 10)).toBeUndefined()
  })

  test('of the config can be revoked and not replaced', () => {
    expect(rotateKey(NO_KEYS, { id: 'k1', sha256: 's', overlapUntilMs: 0 }, CONFIG_IDS)).toEqual({
      ok: false,
      error: 'key_in_config',
    })
    expect(revokeKey(NO_KEYS, 'k1', CONFIG_IDS)).toEqual({ ok: true, value: { keys: [], revoked: ['k1'] } })
    expect(revokeKey(NO_KEYS, 'k2', CONFIG_IDS)).toEqual({ ok: false, error: 'key_not_found' })
  })

  test('is one of 200, those that have expired not counted', () => {
    const full = withKeys(...Array.from({ length: 200 }, (_, at) => aKey(`k-${at}`, { expiresAtMs: 10 })))
    expect(createKey(full, aKey('more', { createdAtMs: 9 }), [])).toEqual({
      ok: false,
      error: 'too_many_keys',
    })
    const later = createKey(full, aKey('more', { createdAtMs: 10 }), [])
    expect(later.ok && later.value.keys.map(({ id }) => id)).toEqual(['more'])
  })
})

test('what was taken back is good no more, whatever is done afterwards', () => {
  const id = fc.constantFrom('a', 'b', 'k1')
  const act = fc.record({ kind: fc.constantFrom('create', 'rotate', 'revoke'), id, secret: fc.nat(5) })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      let state = NO_KEYS
      const secretsOf = new Map<string, Set<string>>()
      for (const { kind, id: of, secret } of acts) {
        const sha256 = `${of}-${secret}`
        if (kind !== 'revoke') secretsOf.set(of, (secretsOf.get(of) ?? new Set()).add(sha256))
        const next =
          kind === 'create'
            ? createKey(state, aKey(of, { sha256 }), CONFIG_IDS)
            : kind === 'rotate'
              ? rotateKey(state, { id: of, sha256, overlapUntilMs: 1000 }, CONFIG_IDS)
              : revokeKey(state, of, CONFIG_IDS)
        if (next.ok) state = next.value
        for (const gone of state.revoked) {
          for (const known of secretsOf.get(gone) ?? []) expect(findKey(state, known, 0)).toBeUndefined()
        }
        expect(new Set(state.keys.map((key) => key.id)).size).toBe(state.keys.length)
        expect(liveKeys(state, 0)).toEqual(state)
      }
    }),
  )
})

describe('a key narrows its tenant', () => {
  const [base] = aMeshConfig({
    'eu-central': 'https://a.test',
    'us-east': 'https://b.test',
    'ap-southeast': 'https://c.test',
  }).tenants as [Tenant]

  test.each<[Tenant['models'], readonly string[] | undefined, Tenant['models']]>([
    ['*', undefined, '*'],
    ['*', ['a'], ['a']],
    [['a', 'b'], undefined, ['a', 'b']],
    [['a', 'b'], ['b', 'c'], ['b']],
    [['a'], ['c'], []],
  ])('of models %j, with %j, to %j', (own, models, left) => {
    const key = aKey('m', models === undefined ? {} : { models })
    expect(tenantOf({ ...base, models: own }, key).models).toEqual(left)
  })

  test('and says which data classes it may claim', () => {
    const { keys } = tenantOf(base, aKey('m', { dataClasses: ['health'] }))
    expect(keys.at(-1)).toMatchObject({ id: 'm', data_classes: ['health'] })
  })
})
