/** One row per mistake in the shape of a config: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor } from './mistakes.ts'
import type { Mistake } from './mistakes.ts'

const MISTAKES: readonly Mistake[] = [
  { mistake: 'a missing version', edits: [['version', undefined]], prints: ['version: missing; give 1'] },
  {
    mistake: 'a version from the future',
    edits: [['version', 2]],
    prints: ['version: 2 does not fit; give 1'],
  },
  {
    mistake: 'no pools',
    edits: [['pools', []]],
    prints: ['pools: an empty list does not fit; give at least one pool, [[pools]]'],
  },
  {
    mistake: 'a table in place of a list',
    edits: [['rules', {}]],
    prints: ['rules: an empty table does not fit; give a list of rules, [[rules]]'],
  },
  {
    mistake: 'a text in place of a table',
    edits: [['limits', 'none']],
    prints: ['limits: "none" does not fit; give a table of limits'],
  },
  {
    mistake: 'a misspelt key',
    edits: [['pools.1.shared_prefx', true]],
    prints: [
      'pools[1] ("us-1").shared_prefx: "shared_prefx" is not a key here; keys are id, region, jurisdiction, dialect, url, binding, auth, models, capacity, price, … (16 in all). Did you mean "shared_prefix"?',
    ],
  },
  {
    mistake: 'an unknown key',
    edits: [['limits.colour', 'red']],
    prints: [
      'limits.colour: "colour" is not a key here; keys are max_body_bytes, body_within_ms, body_budget_bytes, max_depth, max_messages, … (19 in all)',
    ],
  },
  {
    mistake: 'a key that breaks lines',
    edits: [['pools.1.a\nb', 1]],
    prints: [
      'pools[1] ("us-1")."…": "a�b" is not a key here; keys are id, region, jurisdiction, dialect, url, binding, auth, models, capacity, price, … (16 in all)',
    ],
  },
  {
    mistake: 'a missing region of a pool',
    edits: [['pools.1.region', undefined]],
    prints: [
      'pools[1] ("us-1").region: missing; give a name of lower-case letters, digits and inner hyphens, at most 63, e.g. "eu-central"',
    ],
  },
  {
    mistake: 'an unknown dialect',
    edits: [['pools.0.dialect', 'bedrock']],
    prints: [
      'pools[0] ("eu-1").dialect: "bedrock" does not fit; give one of vllm, sglang, llamacpp, tgi, ollama, trtllm, openai, azure, anthropic',
    ],
  },
  {
    mistake: 'a misspelt dialect',
    edits: [['pools.0.dialect', 'vlm']],
    prints: [
      'pools[0] ("eu-1").dialect: "vlm" does not fit; give one of vllm, sglang, llamacpp, tgi, ollama, trtllm, openai, azure, anthropic. Did you mean "vllm"?',
    ],
  },
  {
    mistake: 'a number as text',
    edits: [['pools.0.capacity', '32']],
    prints: ['pools[0] ("eu-1").capacity: "32" does not fit; give a whole number from 1 to 100000'],
  },
  {
    mistake: 'a number out of range',
    edits: [['regions.0.latitude', 91]],
    prints: ['regions[0] ("eu-central").latitude: 91 does not fit; give a number from -90 to 90'],
  },
  {
    mistake: 'a fraction',
    edits: [['limits.max_depth', 1.5]],
    prints: ['limits.max_depth: 1.5 does not fit; give a whole number from 1 to 256'],
  },
  {
    mistake: 'a boolean as text',
    edits: [['pools.0.shared_prefix', 'yes']],
    prints: ['pools[0] ("eu-1").shared_prefix: "yes" does not fit; give true or false'],
  },
  {
    mistake: 'an id with capitals',
    edits: [['regions.0.id', 'EU Central']],
    prints: [
      'regions[0].id: "EU Central" does not fit; give a name of lower-case letters, digits and inner hyphens, at most 63, e.g. "eu-central"',
    ],
  },
  {
    mistake: 'a lower-case data centre',
    edits: [['regions.0.colos.0', 'fra']],
    prints: [
      'regions[0] ("eu-central").colos[0]: "fra" does not fit; give a three-letter data centre code, e.g. "FRA"',
    ],
  },
  {
    mistake: 'a secret in place of its name',
    edits: [['pools.0.auth', 'sk-live-123']],
    prints: [
      'pools[0] ("eu-1").auth: what stands there does not fit; give "secret:POOL_" and the rest of the name of a secret',
    ],
  },
  {
    mistake: 'a secret that is no pool secret',
    edits: [['pools.0.auth', 'secret:MESH_ADMIN_TOKEN']],
    prints: [
      'pools[0] ("eu-1").auth: what stands there does not fit; give "secret:POOL_" and the rest of the name of a secret',
    ],
  },
  {
    mistake: 'a key in place of its digest',
    edits: [['tenants.0.keys.0.sha256', 'sk-mesh-demo-1']],
    prints: [
      'tenants[0] ("demo").keys[0] ("k1").sha256: what stands there does not fit; give the SHA-256 of the whole key, 64 lower-case hex digits',
    ],
  },
  {
    mistake: 'a tenant without a floor',
    edits: [['tenants.1.floor', undefined]],
    prints: [
      'tenants[1] ("eu-bank").floor: missing; give { anywhere = true }, or lists such as { jurisdictions = ["eu"] }',
    ],
  },
  {
    mistake: 'a floor that is a word',
    edits: [['tenants.1.floor', 'eu']],
    prints: [
      'tenants[1] ("eu-bank").floor: "eu" does not fit; give { anywhere = true }, or lists such as { jurisdictions = ["eu"] }',
    ],
  },
  {
    mistake: 'a floor that is nowhere',
    edits: [['tenants.0.floor.anywhere', false]],
    prints: [
      'tenants[0] ("demo").floor.anywhere: it does not fit the rest; give { anywhere = true }, or lists such as { jurisdictions = ["eu"] }',
    ],
  },
  {
    mistake: 'a floor that is both',
    edits: [['tenants.0.floor.regions', ['us-east']]],
    prints: [
      'tenants[0] ("demo").floor.regions: it does not fit the rest; give { anywhere = true }, or lists such as { jurisdictions = ["eu"] }',
    ],
  },
  {
    mistake: 'a floor with an empty list',
    edits: [['tenants.1.floor.jurisdictions', []]],
    prints: [
      'tenants[1] ("eu-bank").floor.jurisdictions: an empty list does not fit; give a list of jurisdictions',
    ],
  },
  {
    mistake: 'a misspelt key of a floor',
    edits: [['tenants.1.floor', { jurisdiction: ['eu'] }]],
    prints: [
      'tenants[1] ("eu-bank").floor.jurisdiction: "jurisdiction" is not a key here; keys are anywhere, jurisdictions, regions, pools. Did you mean "jurisdictions"?',
    ],
  },
  {
    mistake: 'a list of models with a number',
    edits: [['tenants.1.models', ['story', 7]]],
    prints: [
      'tenants[1] ("eu-bank").models[1]: 7 does not fit; give a name of letters, digits and . _ : / -, at most 128, e.g. "story"',
    ],
  },
]

test.each(MISTAKES)('says what is wrong with $mistake', ({ edits, mode, prints }) => {
  expect(linesFor(edits, mode)).toEqual(prints)
})
