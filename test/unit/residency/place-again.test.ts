/** Who comes back is held to all that was ever said. */
import { expect, test } from 'vitest'
import { placeAgain, type Said } from '../../../shared/residency/place-again.ts'
import { aMesh, firstTenant } from './a-mesh.ts'

const RULES = [
  { id: 'health', match: { data_classes: ['health'] }, only: { jurisdictions: ['eu'] } },
  { id: 'public', match: { data_classes: ['public'] }, except: { jurisdictions: ['sg'] } },
]
const config = aMesh({
  tenants: [{ id: 't', floor: { anywhere: true }, data_classes: ['health', 'public'] }],
  rules: RULES,
})
const [model] = config.models
const tenant = firstTenant(config)
const arrival = { host: 'edge.test', colo: 'FRA' }

test.each<[string, readonly Partial<Said>[], readonly string[]]>([
  ['one thing', [{ dataClass: 'public' }], ['eu-1', 'us-1']],
  ['a class, and later a stricter one', [{ dataClass: 'public' }, { dataClass: 'health' }], ['eu-1']],
  ['a class, and later a laxer one', [{ dataClass: 'health' }, { dataClass: 'public' }], ['eu-1']],
  [
    'two lists',
    [
      { dataClass: 'public', narrow: ['eu', 'us'] },
      { dataClass: 'public', narrow: ['us'] },
    ],
    ['us-1'],
  ],
  [
    'two lists with nothing in common',
    [
      { dataClass: 'public', narrow: ['eu'] },
      { dataClass: 'public', narrow: ['us'] },
    ],
    [],
  ],
  ['a list of nothing in between', [{ narrow: ['eu'] }, { narrow: ['mars'] }, { narrow: ['eu'] }], []],
])('%s', (_name, said, expected) => {
  if (model === undefined) throw new Error('the mesh has a model')
  const placed = placeAgain(
    { config, tenant, keyId: 'k1', model },
    said.map((each) => ({ arrival, ...each })),
  )
  if (placed.ok) expect(placed.value.pools.map(({ pool }) => pool.id)).toEqual(expected)
  else expect([placed.error.reason, expected]).toEqual(['residency_violation', []])
})
