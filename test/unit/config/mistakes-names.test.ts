/** One row per mistake in the names in a config: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor } from './mistakes.ts'
import type { Mistake } from './mistakes.ts'
import { HASH_B } from './valid-config.ts'

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'two regions of one id',
    edits: [['regions.1.id', 'eu-central']],
    prints: [
      'regions[1] ("eu-central").id: "eu-central" is already in regions[0] ("eu-central"); give each its own',
      'pools[1] ("us-1").region: "us-east" is not a region; regions are eu-central',
    ],
  },
  {
    mistake: 'two pools of one id',
    edits: [['pools.1.id', 'eu-1']],
    prints: ['pools[1] ("eu-1").id: "eu-1" is already in pools[0] ("eu-1"); give each its own'],
  },
  {
    mistake: 'two models of one id',
    edits: [['models.1', { id: 'story', context_length: 1 }]],
    prints: ['models[1] ("story").id: "story" is already in models[0] ("story"); give each its own'],
  },
  {
    mistake: 'two models that differ in case',
    edits: [
      ['models.1', { id: 'Story', context_length: 1 }],
      ['pools.0.models.1', { model: 'Story' }],
    ],
    prints: [
      'models[1] ("Story").id: "Story" differs from models[0] ("story") only in case; give each its own',
    ],
  },
  {
    mistake: 'two tenants of one id',
    edits: [['tenants.1.id', 'demo']],
    prints: ['tenants[1] ("demo").id: "demo" is already in tenants[0] ("demo"); give each its own'],
  },
  {
    mistake: 'two keys of one id',
    edits: [['tenants.0.keys.1', { id: 'k1', sha256: HASH_B }]],
    prints: [
      'tenants[0] ("demo").keys[1].id: "k1" is already in tenants[0] ("demo").keys[0]; give each its own',
    ],
  },
  {
    mistake: 'two rules of one id',
    edits: [['rules.1', { id: 'germany', only: { regions: ['eu-central'] } }]],
    prints: ['rules[1] ("germany").id: "germany" is already in rules[0] ("germany"); give each its own'],
  },
  {
    mistake: 'two versions of one id',
    edits: [['models.0.versions', [{ id: '1' }, { id: '1' }]]],
    prints: [
      'models[0] ("story").versions[1].id: "1" is already in models[0] ("story").versions[0]; give each its own',
    ],
  },
  {
    mistake: 'a model listed twice by a pool',
    edits: [['pools.0.models.1', { model: 'story' }]],
    prints: [
      'pools[0] ("eu-1").models[1]: "story" is already in pools[0] ("eu-1").models[0]; list each model and version once',
    ],
  },
  {
    mistake: 'a data centre in two regions',
    edits: [['regions.1.colos.1', 'FRA']],
    prints: [
      'regions[1] ("us-east").colos[1]: "FRA" is already in regions[0] ("eu-central"); list a data centre once, in one region',
    ],
  },
  {
    mistake: 'a pool in no region',
    edits: [['pools.1.region', 'us-est']],
    prints: [
      'pools[1] ("us-1").region: "us-est" is not a region; regions are eu-central, us-east. Did you mean "us-east"?',
    ],
  },
  {
    mistake: 'a pool that serves no model of ours',
    edits: [['pools.0.models.1', { model: 'stories' }]],
    prints: ['pools[0] ("eu-1").models[1].model: "stories" is not a model; models are story'],
  },
  {
    mistake: 'a version that the model has not',
    edits: [['pools.0.models.1', { model: 'story', version: '2' }]],
    prints: ['pools[0] ("eu-1").models[1].version: "2" is not a version of "story"; versions are 1'],
  },
  {
    mistake: 'a tenant with an unknown model',
    edits: [['tenants.1.models.1', 'poem']],
    prints: ['tenants[1] ("eu-bank").models[1]: "poem" is not a model; models are story'],
  },
  {
    mistake: 'a floor in an unknown jurisdiction',
    edits: [['tenants.0.floor', { jurisdictions: ['eu', 'uk'] }]],
    prints: [
      'tenants[0] ("demo").floor.jurisdictions[1]: "uk" is not the jurisdiction of a region; jurisdictions are eu, us',
    ],
  },
  {
    mistake: 'a floor with an unknown pool',
    edits: [['tenants.0.floor', { pools: ['eu-1', 'eu-2'] }]],
    prints: [
      'tenants[0] ("demo").floor.pools[1]: "eu-2" is not a pool; pools are eu-1, us-1. Did you mean "eu-1"?',
    ],
  },
  {
    mistake: 'an unknown jurisdiction to terminate in',
    edits: [['tenants.0.terminate', { jurisdictions: ['ue'] }]],
    prints: [
      'tenants[0] ("demo").terminate.jurisdictions[0]: "ue" is not the jurisdiction of a region; jurisdictions are eu, us. Did you mean "eu"?',
    ],
  },
  {
    mistake: 'a rule for an unknown tenant',
    edits: [['rules.0.match', { tenants: ['eubank'] }]],
    prints: [
      'rules[0] ("germany").match.tenants[0]: "eubank" is not a tenant; tenants are demo, eu-bank. Did you mean "eu-bank"?',
    ],
  },
  {
    mistake: 'a rule for an unknown model',
    edits: [['rules.0.match', { models: ['stroy'] }]],
    prints: [
      'rules[0] ("germany").match.models[0]: "stroy" is not a model; models are story. Did you mean "story"?',
    ],
  },
  {
    mistake: 'a rule for a class nobody may claim',
    edits: [['rules.0.match', { data_classes: ['helath'] }]],
    prints: [
      'rules[0] ("germany").match.data_classes[0]: "helath" is not a data class that a tenant may claim; data classes are health. Did you mean "health"?',
    ],
  },
  {
    mistake: 'a rule that leaves an unknown region',
    edits: [['rules.0.only', { regions: ['eu-west'] }]],
    prints: [
      'rules[0] ("germany").only.regions[0]: "eu-west" is not a region; regions are eu-central, us-east',
    ],
  },
]

test.each(MISTAKES)('says what is wrong with $mistake', ({ edits, mode, prints }) => {
  expect(linesFor(edits, mode)).toEqual(prints)
})
