/** An operator's own cases: how they are read, and what is said of one that does not come out. */
import { describe, expect, test } from 'vitest'
import type { MeshMode } from '../../../shared/config/mode.ts'
import { failuresOf, parseCases } from '../../../shared/config/cases.ts'
import { aMesh } from '../residency/a-mesh.ts'

const MODE: MeshMode = { kind: 'cloudflare' }
const CONFIG = aMesh({
  models: [
    { id: 'm', context_length: 8 },
    { id: 'n', context_length: 8 },
  ],
  tenants: [{ id: 't', floor: { jurisdictions: ['eu', 'us'] }, models: ['m'] }],
  rules: [{ id: 'germans', match: { countries: ['DE'] }, only: { jurisdictions: ['eu'] } }],
})

function outcomeOf(lines: string): readonly string[] {
  const cases = parseCases(`[[cases]]\nname = "a case"\ntenant = "t"\nmodel = "m"\n${lines}`)
  if (!cases.ok) return cases.error
  return cases.value.flatMap((one) => failuresOf(one, { config: CONFIG, mode: MODE }))
}

describe('a case that comes out', () => {
  test.each([
    ['country = "US"\nexpect = { pools = ["us-1", "eu-1"] }'],
    ['country = "US"\ncolo = "IAD"\nexpect = { home = "us-east", storage = "home", restricted = true }'],
    ['expect = { pools = ["eu-1"], home = "eu-central" }'],
    ['residency = ["sg"]\nexpect = { refused = "residency_violation" }'],
  ])('%s', (lines) => {
    expect(outcomeOf(lines)).toEqual([])
  })
})

describe('a case that does not', () => {
  test.each([
    ['country = "US"\nexpect = { pools = ["eu-1"] }', ['pools: expected eu-1, got eu-1 us-1']],
    [
      'country = "US"\ncolo = "IAD"\nexpect = { home = "eu-central", storage = "none", restricted = false }',
      [
        'home: expected eu-central, got us-east',
        'storage: expected none, got home',
        'restricted: expected false, got true',
      ],
    ],
    [
      'residency = ["us"]\nexpect = { pools = ["us-1"] }',
      ['it is refused with residency_violation (rules: germans)'],
    ],
    ['expect = { refused = "residency_violation" }', ['it is not refused, but may go to eu-1']],
    ['key = "nope"\nexpect = { storage = "home" }', ['there is no such key in the config']],
  ])('%s', (lines, expected) => {
    expect(outcomeOf(lines)).toEqual(expected)
  })

  test('because the model is not for the tenant', () => {
    const cases = parseCases(
      '[[cases]]\nname = "a"\ntenant = "t"\nmodel = "n"\nexpect = { refused = "residency_violation" }',
    )
    expect(cases.ok && cases.value.map((one) => failuresOf(one, { config: CONFIG, mode: MODE }))).toEqual([
      ['it is refused with model_not_found'],
    ])
  })
})

describe('a file that cannot be read says why', () => {
  test.each([
    ['', ['cases: missing, or it does not fit; give at least one case, [[cases]]']],
    ['[[cases]', ['line 1, column 9: the text cannot be read as TOML']],
    ['cases = []', ['cases: missing, or it does not fit; give at least one case, [[cases]]']],
  ])('%j', (text, expected) => {
    const cases = parseCases(text)
    expect(cases.ok ? [] : cases.error).toEqual(expected)
  })

  test.each([
    [
      'expect = {}',
      [
        'cases[0].expect: missing, or it does not fit; give at least one of pools, refused, home, storage and restricted',
      ],
    ],
    [
      'contry = "DE"\nexpect = { storage = "home" }',
      [
        'cases[0]: "contry" is not a key here; keys are tenant, key, model, country, continent, colo, host, data_class, residency, headers, name, … (12 in all). Did you mean "country"?',
      ],
    ],
    [
      'expect = { pool = ["eu-1"] }',
      [
        'cases[0].expect: "pool" is not a key here; keys are pools, refused, home, storage, restricted. Did you mean "pools"?',
        'cases[0].expect: missing, or it does not fit; give at least one of pools, refused, home, storage and restricted',
      ],
    ],
    [
      'expect = { refused = "residency_violation", pools = ["eu-1"] }',
      [
        'cases[0].expect: missing, or it does not fit; give refused alone: what is refused has no pools and no storage',
      ],
    ],
    [
      'country = "Germany"\nexpect = { storage = "home" }',
      ['cases[0].country: missing, or it does not fit; give two capitals, e.g. "DE"'],
    ],
  ])('%s', (lines, expected) => {
    expect(outcomeOf(lines)).toEqual(expected)
  })
})
