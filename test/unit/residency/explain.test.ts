/** What an operator is told of a request that nobody sent is what would happen to it. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { explainPlacement } from '../../../shared/residency/explain.ts'
import { place } from '../../../shared/residency/place.ts'
import type { MeshConfig } from '../../../shared/schema/mesh.ts'
import { residencyQuestionSchema } from '../../../shared/schema/residency-question.ts'
import { aMesh, must, POOLS } from './a-mesh.ts'
import { aMode, aPolicy, aRequest, inputOf } from './policies.ts'

const CLOUDFLARE: MeshMode = { kind: 'cloudflare' }
const CONFIG = aMesh({
  pools: [
    POOLS[0],
    { ...POOLS[1], sovereign: true },
    POOLS[2],
    { ...POOLS[0], id: 'eu-2', models: [{ model: 'other' }] },
  ],
  models: [
    { id: 'm', context_length: 8 },
    { id: 'other', context_length: 8 },
  ],
  tenants: [
    {
      id: 't',
      floor: { jurisdictions: ['eu', 'us'] },
      models: ['m'],
      data_classes: ['health', 'public'],
      retention_seconds: 3600,
      terminate: { jurisdictions: ['eu'], hosts: ['eu.example'] },
      keys: [{ id: 'k', sha256: 'a'.repeat(64), data_classes: ['public'] }],
    },
  ],
  rules: [
    { id: 'germans', match: { countries: ['DE'] }, except: { jurisdictions: ['us'] } },
    { id: 'sick', match: { data_classes: ['health'] }, storage: 'none' },
    { id: 'idle' },
  ],
})
const HERE = { tenant: 't', model: 'm', colo: 'FRA', host: 'eu.example' }

function ask(
  question: object,
  { config = CONFIG, mode = CLOUDFLARE }: { config?: MeshConfig; mode?: MeshMode } = {},
) {
  return explainPlacement(residencyQuestionSchema.parse(question), { config, mode })
}

function explained(question: object, mesh = {}) {
  const result = ask(question, mesh)
  return must(result.ok ? result.value : undefined)
}

test('says of each rule and each pool what decided', () => {
  expect(explained({ ...HERE, key: 'k', country: 'DE', data_class: 'public', residency: ['eu'] })).toEqual({
    refused: null,
    termination: { allowed: true, jurisdiction: 'eu' },
    edge_region: 'eu-central',
    data_class: 'public',
    rules: [
      { id: 'germans', matched: true, conditions: [{ on: 'countries', result: 'satisfied' }] },
      { id: 'sick', matched: false, conditions: [{ on: 'data_classes', result: 'not_satisfied' }] },
      { id: 'idle', matched: false, conditions: [] },
    ],
    pools: [
      {
        id: 'eu-1',
        region: 'eu-central',
        jurisdiction: 'eu',
        sovereign: false,
        allowed: true,
        preferred: false,
        out: [],
      },
      {
        id: 'us-1',
        region: 'us-east',
        jurisdiction: 'us',
        sovereign: true,
        allowed: false,
        preferred: false,
        out: [{ by: 'rule', rule: 'germans', through: 'except' }, { by: 'header' }],
      },
      {
        id: 'ap-1',
        region: 'ap-southeast',
        jurisdiction: 'sg',
        sovereign: false,
        allowed: false,
        preferred: false,
        out: [{ by: 'floor' }, { by: 'header' }],
      },
      {
        id: 'eu-2',
        region: 'eu-central',
        jurisdiction: 'eu',
        sovereign: false,
        allowed: false,
        preferred: false,
        out: [{ by: 'model' }],
      },
    ],
    restricted: true,
    storage: 'home',
    retention_seconds: 3600,
    home: { region: 'eu-central', jurisdiction: 'eu', enforced: true },
  })
})

describe('what is not said is not known', () => {
  test('so that every rule it could lift applies', () => {
    const { rules, data_class: dataClass } = explained({ tenant: 't', model: 'm' })
    expect(dataClass).toBeNull()
    expect(rules.map(({ id, matched, conditions }) => [id, matched, conditions[0]?.result])).toEqual([
      ['germans', true, 'unknown'],
      ['sick', true, 'unknown'],
      ['idle', false, undefined],
    ])
  })

  test('and a class that the key may not claim is as if nothing were said', () => {
    expect(explained({ ...HERE, key: 'k', data_class: 'health' }).data_class).toBeNull()
    // Without a key it is what every key may claim.
    expect(explained({ ...HERE, data_class: 'public' }).data_class).toBe('public')
  })
})

describe('a refusal', () => {
  test.each<[string, object, string | null]>([
    ['of the place it arrived at', { ...HERE, colo: 'IAD' }, 'termination_not_allowed'],
    [
      'of the place before that of the model',
      { ...HERE, host: 'us.example', model: 'other' },
      'termination_not_allowed',
    ],
    ['of a model that is not for the tenant', { ...HERE, model: 'other' }, 'model_not_found'],
    ['where no place is left', { ...HERE, residency: ['sg'] }, 'residency_violation'],
    ['is not made of what may be served', HERE, null],
  ])('%s', (_name, question, expected) => {
    expect(explained(question).refused).toBe(expected)
  })

  test('names the host to go to, and why there is no home', () => {
    expect(explained({ ...HERE, colo: 'IAD', residency: ['sg'] })).toMatchObject({
      termination: { allowed: false, jurisdiction: 'us', host: 'eu.example' },
      home: null,
      no_home: 'refused',
    })
  })
})

describe('without a home', () => {
  test('is what may not be stored', () => {
    expect(explained(HERE)).toMatchObject({ storage: 'none', home: null, no_home: 'storage_none' })
  })

  test('is what nobody could keep in its place', () => {
    const config = aMesh({ tenants: [{ id: 't', floor: { jurisdictions: ['sg'] } }] })
    const question = { tenant: 't', model: 'm' }
    expect(explained(question, { config })).toMatchObject({ home: null, no_home: 'not_enforceable' })
    expect(explained(question, { config, mode: { kind: 'dev' } }).home).toEqual({
      region: 'ap-southeast',
      jurisdiction: 'sg',
      enforced: true,
    })
  })
})

test('pools on one’s own premises are preferred where that was said', () => {
  const tenants = [{ id: 't', floor: { anywhere: true }, sovereign: 'prefer' }]
  const config = aMesh({ pools: [POOLS[0], { ...POOLS[1], sovereign: true }], tenants })
  const { pools } = explained({ tenant: 't', model: 'm' }, { config })
  expect(pools.map(({ id, preferred }) => [id, preferred])).toEqual([
    ['eu-1', false],
    ['us-1', true],
  ])
})

test.each([
  ['tenant', { ...HERE, tenant: 'u' }],
  ['key', { ...HERE, key: 'nope' }],
  ['model', { ...HERE, model: 'nope' }],
])('a %s that is not there cannot be asked about', (expected, question) => {
  expect(ask(question)).toEqual({ ok: false, error: expected })
})

test('the pools it calls allowed are those of the placement', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(aPolicy, aRequest, aMode, (config, request, mode) => {
      const { key, dataClass, narrow, headers, ...where } = request
      const isKey = config.tenants[0]?.keys.some(({ id }) => id === key) ?? false
      const texts = Object.entries(headers ?? {}).filter(([, text]) => text !== null)
      const asked = {
        tenant: 't',
        model: 'm',
        ...where,
        headers: Object.fromEntries(texts),
        ...(isKey ? { key } : {}),
        ...(dataClass === undefined ? {} : { data_class: dataClass }),
        ...(narrow === undefined || narrow.length === 0 ? {} : { residency: narrow }),
      }
      const told = explained(asked, { config, mode })
      const { keyId, narrow: words, ...input } = inputOf(config, request)
      const placement = place({
        ...input,
        ...(isKey && keyId !== undefined ? { keyId } : {}),
        ...(words === undefined || words.length === 0 ? {} : { narrow: words }),
      })
      const allowed = told.pools.filter((pool) => pool.allowed).map(({ id }) => id)
      expect(allowed).toEqual(placement.ok ? placement.value.pools.map(({ pool }) => pool.id) : [])
      if (!placement.ok) return
      expect(told.storage).toBe(placement.value.storage)
      expect(told.rules.filter(({ matched }) => matched).map(({ id }) => id)).toEqual(placement.value.rules)
    }),
    { numRuns: 2000 },
  )
})
