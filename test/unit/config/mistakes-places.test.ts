/** One row per mistake in pools, keys, mode and limits: the edits that make it, and the lines it prints. */
import { expect, test } from 'vitest'
import { linesFor } from './mistakes.ts'
import type { Mistake } from './mistakes.ts'
import { HASH_A } from './valid-config.ts'
import type { Edit } from './valid-config.ts'

/** A pool without a mistake. Its tenants share no prefix cache: one of the two may not go there. */
const AZURE: readonly Edit[] = [
  ['pools.1.dialect', 'azure'],
  ['pools.1.url', 'https://us.openai.azure.com'],
  ['pools.1.api_version', '2024-10-21'],
  ['pools.1.auth', 'secret:POOL_US'],
]

const MISTAKES: readonly Mistake[] = [
  {
    mistake: 'a jurisdiction that contradicts',
    edits: [['pools.1.jurisdiction', 'eu']],
    prints: [
      'pools[1] ("us-1").jurisdiction: "eu" contradicts region "us-east", which is in "us"; remove it, or name another region',
    ],
  },
  {
    mistake: 'neither url nor binding',
    edits: [['pools.1.url', undefined]],
    prints: ['pools[1] ("us-1"): this pool has neither url nor binding; give one of them, or both'],
  },
  {
    mistake: 'plain http to a public address, through a binding too',
    edits: [
      ['pools.1.binding', 'CLIENT_CERT'],
      ['pools.1.url', 'http://us.example.com/v1'],
    ],
    prints: ['pools[1] ("us-1").url: "http://us.example.com/v1" would send prompts unencrypted; use https'],
  },
  {
    mistake: 'the metadata service, through a binding too',
    edits: [
      ['pools.1.binding', 'ONPREM'],
      ['pools.1.url', 'http://169.254.169.254/v1'],
    ],
    prints: [
      'pools[1] ("us-1").url: "http://169.254.169.254/v1" is a link-local or metadata address, which is allowed in dev only; give the address it has in its own network',
    ],
  },
  {
    mistake: 'another scheme',
    edits: [['pools.1.url', 'ftp://us.example.com']],
    prints: [
      'pools[1] ("us-1").url: it is not an http or https URL; give a base URL such as "https://gpu.example.com/v1"',
    ],
  },
  {
    mistake: 'credentials',
    edits: [['pools.1.url', 'https://u:hunter2@us.example.com/v1']],
    prints: ['pools[1] ("us-1").url: a URL with credentials; remove them, and name a secret with auth'],
  },
  {
    mistake: 'a query',
    edits: [['pools.1.url', 'https://us.example.com/v1?key=hunter2']],
    prints: ['pools[1] ("us-1").url: a URL with a query; remove the "?" and what follows'],
  },
  {
    mistake: 'a fragment',
    edits: [['pools.1.url', 'https://us.example.com/v1#hunter2']],
    prints: ['pools[1] ("us-1").url: a URL with a fragment; remove the "#" and what follows'],
  },
  {
    mistake: 'a slash at the end',
    edits: [['pools.1.url', 'https://us.example.com/v1/']],
    prints: ['pools[1] ("us-1").url: "https://us.example.com/v1/" ends with "/"; remove the "/" at the end'],
  },
  {
    mistake: 'plain http',
    edits: [['pools.1.url', 'http://us.example.com/v1']],
    prints: ['pools[1] ("us-1").url: "http://us.example.com/v1" would send prompts unencrypted; use https'],
  },
  {
    mistake: 'the machine itself',
    edits: [['pools.1.url', 'https://127.1/v1']],
    prints: [
      'pools[1] ("us-1").url: "https://127.1/v1" is a loopback address, which is allowed in dev only; give a public address, or a binding',
    ],
  },
  {
    mistake: 'a private network',
    edits: [['pools.1.url', 'https://10.0.0.7/v1']],
    prints: [
      'pools[1] ("us-1").url: "https://10.0.0.7/v1" is a private address, which is allowed on your own machines and in dev only; give a public address, or a binding',
    ],
  },
  {
    mistake: 'the machine itself in its own name',
    edits: [['pools.1.url', 'http://localhost.:8000/v1']],
    mode: { kind: 'single', jurisdiction: 'us' },
    prints: [
      'pools[1] ("us-1").url: "http://localhost.:8000/v1" is a loopback address, which is allowed in dev only; give a public address, or a binding',
    ],
  },
  {
    mistake: 'the metadata service',
    edits: [['pools.1.url', 'https://169.254.169.254/v1']],
    mode: { kind: 'single', jurisdiction: 'us' },
    prints: [
      'pools[1] ("us-1").url: "https://169.254.169.254/v1" is a link-local or metadata address, which is allowed in dev only; give a public address, or a binding',
    ],
  },
  {
    mistake: 'an azure pool without a version',
    edits: [...AZURE, ['pools.1.api_version', undefined]],
    prints: ['pools[1] ("us-1").api_version: missing; give the version to ask for, e.g. "2024-10-21"'],
  },
  {
    mistake: 'a version that is none',
    edits: [...AZURE, ['pools.1.api_version', 'latest']],
    prints: ['pools[1] ("us-1").api_version: "latest" does not fit; give a version such as "2024-10-21"'],
  },
  {
    mistake: 'a version of a dialect that has none',
    edits: [['pools.1.api_version', '2024-10-21']],
    prints: ['pools[1] ("us-1").api_version: "vllm" pools have none to ask for; remove it'],
  },
  {
    mistake: 'a deployment named after what it is not',
    edits: [...AZURE, ['pools.1.models', [{ model: 'story', served: '..' }]]],
    prints: [
      'pools[1] ("us-1").models[0].served: ".." is no name of a deployment; give one of 2 to 64 letters, digits and . _ -',
    ],
  },
  {
    mistake: 'a limit that nobody asks for',
    edits: [['pools.1.default_max_tokens', 1024]],
    prints: ['pools[1] ("us-1").default_max_tokens: "vllm" pools need none; remove it'],
  },
  {
    mistake: 'a header without a key',
    edits: [['pools.1.auth_header', 'x-api-key']],
    prints: [
      'pools[1] ("us-1").auth_header: there is no key to send in it; remove it, or name a secret with auth',
    ],
  },
  {
    mistake: 'a header that is taken',
    edits: [
      ['pools.1.auth', 'secret:POOL_US'],
      ['pools.1.auth_header', 'host'],
    ],
    prints: [
      'pools[1] ("us-1").auth_header: "host" says something else; give the header that the pool reads its key from, e.g. "x-api-key"',
    ],
  },
  {
    mistake: 'a header in capitals',
    edits: [
      ['pools.1.auth', 'secret:POOL_US'],
      ['pools.1.auth_header', 'X-Api-Key'],
    ],
    prints: [
      'pools[1] ("us-1").auth_header: "X-Api-Key" does not fit; give the name of a header in lower case, e.g. "x-api-key"',
    ],
  },
  {
    mistake: 'one key for two tenants',
    edits: [['tenants.1.keys', [{ id: 'k2', sha256: HASH_A }]]],
    prints: [
      'tenants[1] ("eu-bank").keys[0] ("k2").sha256: the same key as tenants[0] ("demo").keys[0] ("k1"); make a new key',
    ],
  },
  {
    mistake: 'a key of a local start',
    edits: [['tenants.0.keys.0.dev', true]],
    prints: [
      'tenants[0] ("demo").keys[0] ("k1").dev: this key was made by a local start and is in a file on some machine; remove it, and make a new key for this mesh',
    ],
  },
  {
    mistake: 'a key of a local start on one’s own machines',
    edits: [['tenants.0.keys.0.dev', true]],
    mode: { kind: 'single', jurisdiction: 'eu' },
    prints: [
      'tenants[0] ("demo").keys[0] ("k1").dev: this key was made by a local start and is in a file on some machine; remove it, and make a new key for this mesh',
    ],
  },
  {
    mistake: 'no region for these machines',
    edits: [],
    mode: { kind: 'single', jurisdiction: 'ue' },
    prints: ['MESH_MODE: no region has the jurisdiction "ue"; jurisdictions are eu, us. Did you mean "eu"?'],
  },
  {
    mistake: 'a body larger than the budget',
    edits: [['limits.body_budget_bytes', 1000]],
    prints: [
      'limits.max_body_bytes: 1048576 is more than body_budget_bytes (1000); lower it, or raise body_budget_bytes',
    ],
  },
  {
    mistake: 'a first token later than the end',
    edits: [['limits.total_ms', 20_000]],
    prints: [
      'limits.first_token_ms: 30000 is more than total_ms (20000); lower it, or raise total_ms',
      'limits.idle_ms: 30000 is more than total_ms (20000); lower it, or raise total_ms',
    ],
  },
]

test.each([
  ['azure, with its version', AZURE],
  ['azure, with a token of Entra ID', [...AZURE, ['pools.1.auth_header', 'authorization']]],
  [
    'anthropic, with a limit',
    [
      ['pools.1.dialect', 'anthropic'],
      ['pools.1.default_max_tokens', 1024],
    ],
  ],
] satisfies [string, readonly Edit[]][])('says nothing of %s', (_name, edits) => {
  expect(linesFor(edits)).toEqual([])
})

test.each(MISTAKES)('says what is wrong with $mistake', ({ edits, mode, prints }) => {
  expect(linesFor(edits, mode)).toEqual(prints)
})
