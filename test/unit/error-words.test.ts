/**
 * What a refusal says is of the request's own making: whatever a client, a pool or the config says, no message, no code and no header
 * of an error has another tenant in it, a pool, a URL, a key, or words of a pool or of a body.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toWire, type GatewayError } from '../../shared/errors.ts'
import { place } from '../../shared/residency/place.ts'
import { checkTermination } from '../../shared/residency/termination.ts'
import type { Result } from '../../shared/result.ts'
import { DIALECTS } from '../../shared/schema/config-pools.ts'
import { adapters } from '../../workers/adapters/index.ts'
import type { Arrived, Incoming } from '../../workers/contexts.ts'
import type { Edge } from '../../workers/edge.ts'
import { failureOfStatus } from '../../workers/outgoing/pool-failure.ts'
import { identify } from '../../workers/stages/authenticate.ts'
import { readBody } from '../../workers/stages/read-body.ts'
import { receive } from '../../workers/stages/receive.ts'
import { createBodyBudget } from '../../workers/stores/body-budget.ts'
import { createKeyGuesses } from '../../workers/stores/key-guesses.ts'
import { aMeshConfig, sha256 } from '../support/mesh-config.ts'

const MARKER = 'zqxjk'
const OWN_HOST = 'eu.mesh.example.com'
const POOL_URL = `https://${MARKER}-pool.example.com`
const OTHER_KEY = `sk-mesh-${MARKER}-tenant-0123456789abcdefghijABCDEFGHIJ`

const pool = (index: number, region: string) => ({
  id: `${MARKER}-pool-${index}`,
  region,
  dialect: 'vllm',
  url: `${POOL_URL}/${index}/v1`,
  models: ['story', `${MARKER}-model`].map((of) => ({ model: of, served: `${MARKER}-served` })),
})
const config = aMeshConfig(
  {},
  {
    pools: [pool(1, 'eu-central'), pool(2, 'us-east'), pool(3, 'ap-southeast')],
    models: ['story', `${MARKER}-model`].map((id) => ({ id, context_length: 32_768 })),
    tenants: [
      {
        id: 'own',
        floor: { jurisdictions: ['eu'] },
        models: ['story'],
        terminate: { jurisdictions: ['eu'], hosts: [OWN_HOST] },
      },
      {
        id: `${MARKER}-tenant`,
        floor: { anywhere: true },
        models: ['story'],
        terminate: { hosts: [`${MARKER}.example.com`] },
        keys: [{ id: `${MARKER}-key`, sha256: sha256(OTHER_KEY) }],
      },
    ],
    rules: [{ id: `${MARKER}-rule`, match: { models: ['story'] }, except: { regions: ['us-east'] } }],
  },
)
const [own] = config.tenants
const [model] = config.models
const edge = {
  mesh: {
    config,
    models: new Map(config.models.map((one) => [one.id, one])),
    tenants: new Map(config.tenants.map((one) => [one.id, one])),
  },
  bodies: createBodyBudget(1024 * 1024),
  guesses: createKeyGuesses({ now: () => 0 }, undefined),
  leases: { hold: () => Promise.resolve({ kind: 'not_needed' }) },
  runtime: { now: () => 0 },
} as unknown as Edge

/** Words that a client may know or guess, and what only we know. */
const word = fc.oneof(
  fc.constantFrom(
    MARKER,
    `${MARKER}-tenant`,
    `${MARKER}-pool-1`,
    `${MARKER}-model`,
    POOL_URL,
    OTHER_KEY,
    `${MARKER} ${MARKER}`,
    'story',
    'eu',
    '',
  ),
  fc.string({ maxLength: 20 }).map((text) => `${MARKER}${text}`),
)
const headerValue = word.map((text) => text.replace(/[^\x20-\x7e]/g, '').trim())
const HEADERS = [
  'authorization',
  'x-mesh-cache',
  'x-mesh-cache-ttl',
  'cache-control',
  'x-mesh-residency',
  'x-mesh-data-class',
  'x-mesh-timeout-ms',
  'x-mesh-resumable',
  'idempotency-key',
  'x-mesh-affinity',
]
const headers = fc.dictionary(fc.constantFrom(...HEADERS), headerValue, { maxKeys: 4 })
const value = fc.oneof(word, fc.integer(), fc.constant(null), fc.array(word, { maxLength: 2 }))
const body = fc.oneof(
  word,
  fc
    .tuple(
      fc.dictionary(
        fc.oneof(
          word,
          fc.constantFrom('model', 'messages', 'stream', 'tools', 'stop', 'response_format', 'top_p'),
        ),
        value,
        { maxKeys: 5 },
      ),
      fc.boolean(),
    )
    .map(([fields, isModelGiven]) => JSON.stringify(isModelGiven ? { model: 'story', ...fields } : fields)),
  fc
    .dictionary(word, value, { maxKeys: 3 })
    .map((message) =>
      JSON.stringify({ model: 'story', messages: [{ role: 'user', content: 'Hi', ...message }] }),
    ),
)

function expectPlain(result: Result<unknown, GatewayError>): void {
  if (!result.ok) expectPlainError(result.error)
}

function expectPlainError(error: GatewayError): void {
  const { body: said, headers: sent } = toWire(error)
  const text = JSON.stringify([said, sent])
  expect(text.toLowerCase()).not.toContain(MARKER)
  expect(text).not.toMatch(/https?:|sk-mesh-/)
  expect(said.error.message).toMatch(/^[^\n]+\.$/)
}

test('whatever the client sends, the refusal has no word of it, of other tenants, or of pools', async () => {
  const reasons = new Set<string>()
  const note = (result: Result<unknown, GatewayError>): void => {
    if (!result.ok) reasons.add(result.error.reason)
    expectPlain(result)
  }
  await fc.assert(
    fc.asyncProperty(headers, body, word, async (sent, text, where) => {
      if (own === undefined || model === undefined) throw new Error('no tenant')
      const request = new Request('https://edge.test/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...sent },
        body: text,
      })
      const arrival = { host: where, colo: where }
      note(receive({ request } as Incoming, edge))
      note(await identify({ headers: request.headers, arrival, configVersion: 'cfg_1' }, edge))
      note(checkTermination(own, arrival, config.regions))
      note(place({ config, tenant: own, model, arrival, narrow: [where], dataClass: where }))
      const read = await readBody({ request, surface: 'chat', tenant: own } as unknown as Arrived, edge)
      if (read.ok) read.value.release()
      note(read)
    }),
    { numRuns: 2000 },
  )
  // The property is about something: the refusals of every stage came up.
  expect([...reasons]).toEqual(
    expect.arrayContaining([
      'invalid_header',
      'missing_api_key',
      'invalid_api_key',
      'termination_not_allowed',
      'residency_violation',
      'invalid_json',
      'model_not_found',
      'missing_parameter',
      'invalid_parameter',
      'unsupported_parameter',
    ]),
  )
})

test('whatever a pool answers, the refusal has no word of it', async () => {
  const answer = fc.oneof(
    word,
    fc
      .record({ message: word, code: fc.oneof(word, fc.constant('context_length_exceeded')), type: word })
      .map((error) => JSON.stringify({ error })),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...DIALECTS),
      fc.constantFrom(300, 400, 401, 403, 404, 413, 422, 429, 500, 501, 503, 529),
      answer,
      async (dialect, status, text) => {
        const response = new Response(text, { status, headers: { 'x-error': MARKER } })
        const failure = await failureOfStatus(response, adapters[dialect])
        if (failure.kind === 'final') expectPlainError(failure.error)
      },
    ),
    { numRuns: 1000 },
  )
})
