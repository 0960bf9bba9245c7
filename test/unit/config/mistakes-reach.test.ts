/** One row per mistake in floors, rules and models: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor } from './mistakes.ts'
import type { Mistake } from './mistakes.ts'

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'a floor without any list',
    edits: [['tenants.1.floor', {}]],
    prints: [
      'tenants[1] ("eu-bank").floor: it names nothing; list jurisdictions, regions or pools, or write { anywhere = true }',
    ],
  },
  {
    mistake: 'a terminate without any list',
    edits: [['tenants.1.terminate', {}]],
    prints: [
      'tenants[1] ("eu-bank").terminate: it names nothing; list jurisdictions, colos or hosts, or remove it',
    ],
  },
  {
    mistake: 'a rule that does nothing',
    edits: [['rules.0.only', undefined]],
    prints: ['rules[0] ("germany"): this rule does nothing; give it only, except, sovereign or storage'],
  },
  {
    mistake: 'a rule that leaves nothing in particular',
    edits: [['rules.0.only', {}]],
    prints: ['rules[0] ("germany").only: it names nothing; list jurisdictions, regions or pools'],
  },
  {
    mistake: 'a floor whose lists exclude each other',
    edits: [['tenants.1.floor', { jurisdictions: ['eu'], pools: ['us-1'] }]],
    prints: [
      'tenants[1] ("eu-bank").floor: it leaves no pool; a pool must satisfy every list of the floor at once; widen it, or add such a pool',
    ],
  },
  {
    mistake: 'a model that no pool in the floor serves',
    edits: [
      ['models.1', { id: 'poem', context_length: 1 }],
      ['pools.1.models.1', { model: 'poem' }],
      ['tenants.1.models.1', 'poem'],
    ],
    prints: [
      'tenants[1] ("eu-bank").models[1]: no pool within the floor serves "poem"; add it to the models of such a pool, or remove it here',
    ],
  },
  {
    mistake: 'a model that no pool serves',
    edits: [['models.1', { id: 'poem', context_length: 1 }]],
    prints: ['models[1] ("poem"): no pool serves this model; add it to the models of a pool, or remove it'],
  },
  {
    mistake: 'a version with a weight that no pool serves',
    edits: [
      ['models.0.versions', [{ id: '1' }, { id: '2' }]],
      ['pools.0.models.0.version', '1'],
      ['pools.1.models.0.version', '1'],
    ],
    prints: [
      'models[0] ("story").versions: no pool serves version 2; add it to the models of a pool, or give it weight 0',
    ],
  },
  {
    mistake: 'weights that are all 0',
    edits: [['models.0.versions', [{ id: '1', weight: 0 }]]],
    prints: [
      'models[0] ("story").versions: every version has weight 0, so none gets a request; give one a weight above 0',
    ],
  },
  {
    mistake: 'a field that can never be opened',
    edits: [['models.0.extra_fields', ['top_k', 'cache_salt']]],
    prints: [
      'models[0] ("story").extra_fields[1]: "cache_salt" can never be opened to clients; remove it; docs/configuration.md says why',
    ],
  },
  {
    mistake: 'a prefix cache shared unawares',
    edits: [['pools.0.dialect', 'llamacpp']],
    prints: [
      'pools[0] ("eu-1").shared_prefix: tenants "demo" and "eu-bank" may both use its prefix cache, and a llamacpp pool cannot keep them apart; narrow a floor, or accept it with shared_prefix = true',
    ],
  },
]

test.each(MISTAKES)('says what is wrong with $mistake', ({ edits, mode, prints }) => {
  expect(linesFor(edits, mode)).toEqual(prints)
})
