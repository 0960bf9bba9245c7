/** One row per residency setting that could not mean what it seems to: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor, type Mistake } from './mistakes.ts'

const header = (name: string, ...values: string[]) => ({ name, values })

const MISTAKES: readonly Mistake[] = [
  ...(['strict', 'batched'] as const).map((word) => ({
    mistake: `an audit log (${word}) that Cloudflare cannot be made to keep where its tenant may go`,
    edits: [
      ['regions.0.jurisdiction', 'ch'],
      ['rules', []],
      ['tenants.1', { id: 'eu-bank', floor: { jurisdictions: ['ch'] }, audit: word }],
    ] as const,
    prints: [
      'tenants[1] ("eu-bank").audit: in none of the places of its floor can Cloudflare be made to keep a log; give "off", or allow a region in eu, us, fedramp or fedramp-high',
    ],
  })),
  {
    mistake: 'premises that nobody has, for a tenant',
    edits: [['tenants.0.sovereign', 'prefer']],
    prints: [
      'tenants[0] ("demo").sovereign: no pool stands on your own premises; mark those that do with sovereign = true, or remove it',
    ],
  },
  {
    mistake: 'premises that nobody has, for a rule',
    edits: [['rules.0.sovereign', 'only']],
    prints: [
      'rules[0] ("germany").sovereign: no pool stands on your own premises; mark those that do with sovereign = true, or remove it',
    ],
  },
  {
    mistake: 'premises outside the floor',
    edits: [
      ['pools.1.sovereign', true],
      ['tenants.1.sovereign', 'only'],
    ],
    prints: [
      'tenants[1] ("eu-bank").floor: it leaves no pool; a pool must satisfy every list of the floor at once; widen it, or add such a pool',
    ],
  },
  {
    mistake: 'a country of another standard',
    edits: [['rules.0.match', { countries: ['DE', 'UK'] }]],
    prints: [
      'rules[0] ("germany").match.countries[1]: "UK" is not the code of a country; give one of ISO 3166-1, e.g. "GB" or "GR"',
    ],
  },
  {
    mistake: 'the code for an unknown country',
    edits: [['rules.0.match', { countries: ['XX'] }]],
    prints: [
      'rules[0] ("germany").match.countries[0]: "XX" is not the code of a country; give one of ISO 3166-1, e.g. "GB" or "GR"',
    ],
  },
  {
    mistake: 'members of the union that are none',
    edits: [['rules.0.match', { countries: ['GB', 'CH'], eu_member: true }]],
    prints: [
      'rules[0] ("germany").match.eu_member: none of the countries listed is in the European Union; give one of the two conditions',
    ],
  },
  {
    mistake: 'strangers to the union that are members',
    edits: [['rules.0.match', { countries: ['DE'], eu_member: false }]],
    prints: [
      'rules[0] ("germany").match.eu_member: each of the countries listed is in the European Union; give one of the two conditions',
    ],
  },
  {
    mistake: 'a header that carries a secret',
    edits: [
      ['rules.0.match', { headers: [header('x-department', 'a'), header('authorization', 'Bearer x')] }],
    ],
    prints: [
      'rules[0] ("germany").match.headers[1].name: "authorization" carries a secret; give a header of your own, e.g. "x-department"',
    ],
  },
  {
    mistake: 'a header name with capitals',
    edits: [['rules.0.match', { headers: [header('X-Department', 'a')] }]],
    prints: [
      'rules[0] ("germany").match.headers[0].name: "X-Department" does not fit; give the name of a header in lower case, e.g. "x-department"',
    ],
  },
  {
    mistake: 'a header value with a comma',
    edits: [['rules.0.match', { headers: [header('x-department', 'a,b')] }]],
    prints: [
      'rules[0] ("germany").match.headers[0].values[0]: "a,b" does not fit; give a value of at most 128 printable characters without commas, e.g. "radiology"',
    ],
  },
  {
    mistake: 'more headers than a run can carry',
    edits: [
      ['rules.0.match', { headers: ['x-a', 'x-b', 'x-c', 'x-d', 'x-e'].map((name) => header(name, 'a')) }],
    ],
    prints: ['rules: they ask about 5 headers: x-a, x-b, x-c, x-d, x-e; name at most 4 between them'],
  },
  {
    mistake: 'a class of a key that its tenant may not claim',
    edits: [['tenants.1.keys', [{ id: 'k2', sha256: 'b'.repeat(64), data_classes: ['health', 'helth'] }]]],
    prints: [
      'tenants[1] ("eu-bank").keys[0].data_classes[1]: "helth" is not a data class of the tenant; data classes are health. Did you mean "health"?',
    ],
  },
  {
    mistake: 'a rule that would loosen storage',
    edits: [['rules.0.storage', 'anywhere']],
    prints: ['rules[0] ("germany").storage: "anywhere" does not fit; give one of none, home'],
  },
]

test.each(MISTAKES)('says what is wrong with $mistake', ({ edits, mode, prints }) => {
  expect(linesFor(edits, mode)).toEqual(prints)
})

test.each([
  [
    'premises preferred',
    [
      ['pools.0.sovereign', true],
      ['tenants.1.sovereign', 'prefer'],
    ],
  ],
  [
    'a rule for storage alone',
    [
      ['rules.0.only', undefined],
      ['rules.0.storage', 'none'],
    ],
  ],
  [
    'countries and the union, where both can hold',
    [['rules.0.match', { countries: ['DE', 'GB'], eu_member: true }]],
  ],
  [
    'the same header in several rules',
    [['rules.0.match', { headers: [header('x-a', 'a'), header('x-a', 'b')] }]],
  ],
] as const)('finds nothing wrong with %s', (_name, edits) => {
  expect(linesFor(edits)).toEqual([])
})

test('a strict log of another jurisdiction is no mistake on one’s own machines: one file may serve several sites', () => {
  const edits = [['tenants.1.audit', 'strict']] as const
  expect(linesFor(edits, { kind: 'single', jurisdiction: 'us' })).toEqual([])
})
