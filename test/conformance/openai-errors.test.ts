/** Errors become the SDK's own types, and what it does by itself about them helps. */
import {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
} from 'openai'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Faults } from '../../tools/local/engine/faults.ts'
import { KEYS } from '../support/mesh-config.ts'
import { anew, collect, question, textOf, type Fields } from './ask.ts'
import {
  describeOwn,
  openAi,
  openOwnTarget,
  openTarget,
  recordingFetch,
  type OwnTarget,
  type Target,
} from './target.ts'

interface Attempt {
  readonly target: Target
  readonly fields?: Fields
  readonly headers?: Readonly<Record<string, string>>
  readonly apiKey?: string
  readonly maxRetries?: number
}

/** Asks with the SDK's own number of retries, and counts what it sent. */
async function failureOf({ target, fields, headers = {}, apiKey, maxRetries = 2 }: Attempt) {
  const recorded = recordingFetch()
  const client = openAi(target, {
    maxRetries,
    fetch: recorded.fetch,
    ...(apiKey === undefined ? {} : { apiKey }),
  })
  const failure: unknown = await client.chat.completions
    .create(question(target, fields), { headers })
    .then(() => undefined)
    .catch((error: unknown) => error)
  if (!(failure instanceof APIError)) throw new Error('the request did not fail as an API call')
  return { failure, exchanges: recorded.exchanges }
}

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

const MISTAKES = [
  {
    what: 'a key that nobody has',
    attempt: { apiKey: 'sk-mesh-demo-00000000000000000000000000000000' },
    type: AuthenticationError,
    error: { status: 401, code: 'invalid_api_key', param: null, type: 'authentication_error' },
  },
  {
    what: 'a key of another kind',
    attempt: { apiKey: 'sk-proj-abc' },
    type: AuthenticationError,
    error: { status: 401, code: 'invalid_api_key' },
  },
  {
    what: 'a residency that leaves no pool',
    attempt: { headers: { 'x-mesh-residency': 'nowhere' } },
    type: PermissionDeniedError,
    error: { status: 403, code: 'residency_violation', type: 'permission_error' },
  },
  {
    what: 'a value out of bounds',
    attempt: { fields: { temperature: 5 } },
    type: BadRequestError,
    error: { status: 400, code: 'invalid_parameter', param: 'temperature', type: 'invalid_request_error' },
  },
  {
    what: 'a value of the wrong type',
    attempt: { fields: { max_tokens: 'many' as unknown as number } },
    type: BadRequestError,
    error: { status: 400, code: 'invalid_parameter', param: 'max_tokens' },
  },
  {
    what: 'a field that is not for clients',
    attempt: { fields: { cache_salt: 'mine' } },
    type: BadRequestError,
    error: { status: 400, code: 'unsupported_parameter', param: 'cache_salt' },
  },
  {
    what: 'no messages',
    attempt: { fields: { messages: null } },
    type: BadRequestError,
    error: { status: 400, code: 'missing_parameter', param: 'messages' },
  },
  {
    what: 'an unknown model',
    attempt: { fields: { model: 'no-such-model' } },
    type: NotFoundError,
    error: { status: 404, code: 'model_not_found', param: 'model' },
  },
  {
    what: 'a header that cannot be read',
    attempt: { headers: { 'x-mesh-cache': 'perhaps' } },
    type: BadRequestError,
    error: { status: 400, code: 'invalid_header' },
  },
  {
    what: 'an answer that is not cached, where only a cached one will do',
    attempt: { headers: { 'x-mesh-cache': 'only' }, fields: { temperature: 0 } },
    type: InternalServerError,
    error: { status: 504, code: 'not_cached', type: 'server_error' },
  },
  {
    what: 'an answer that cannot be cached, where only a cached one will do',
    attempt: { headers: { 'x-mesh-cache': 'only' }, fields: { temperature: 1 } },
    type: InternalServerError,
    error: { status: 504, code: 'not_cached' },
  },
  {
    what: 'a streamed request with a mistake',
    attempt: { fields: { stream: true, top_p: 2 } },
    type: BadRequestError,
    error: { status: 400, code: 'invalid_parameter', param: 'top_p' },
  },
] as const

test.each(MISTAKES)('$what is told by type and code, and sent once', async ({ attempt, type, error }) => {
  const { failure, exchanges } = await failureOf({ target, ...attempt })
  expect(failure).toBeInstanceOf(type)
  expect(failure).toMatchObject(error)
  expect(exchanges).toHaveLength(1)
  expect(failure.requestID).toMatch(/^req_[0-9a-f]{24}$/)
  expect(failure.requestID).toBe(exchanges[0]?.headers.get('x-request-id'))
  // The SDK puts the sentence after the status; a second envelope or an empty body would show here.
  expect(failure.message).toMatch(/^\d{3} [A-Z].*\.$/)
})

test('a refusal by residency says itself that a retry does not help', async () => {
  const { exchanges } = await failureOf({ target, headers: { 'x-mesh-residency': 'nowhere' } })
  expect(exchanges[0]?.headers.get('x-should-retry')).toBe('false')
})

describeOwn('errors of pools', () => {
  let own: OwnTarget
  // A mesh for each test, whose circuit breakers know nothing of the others' faults.
  beforeEach(async () => {
    own = await openOwnTarget({ engine: { maxModelLen: 32_768 } })
  })
  afterEach(() => own.stop())

  const engines = () => Object.values(own.mesh.engines)
  const breakAll = (faults: Faults) => engines().forEach((engine) => engine.setFaults(faults))
  const requests = () => engines().reduce((sum, engine) => sum + engine.stats().requests, 0)

  test.each([0, 1])('no pool (temperature %d) is retried after the second it names', async (temperature) => {
    breakAll({ down: true })
    const { failure, exchanges } = await failureOf({ target: own, fields: { temperature }, maxRetries: 1 })
    expect(failure).toBeInstanceOf(InternalServerError)
    expect(failure).toMatchObject({ status: 503, code: 'no_eligible_pool' })
    expect(exchanges.map(({ status }) => status)).toEqual([503, 503])
    const [first, second] = exchanges
    expect(first?.headers.get('retry-after')).toBe('1')
    // The SDK's own first backoff is half a second at most.
    expect((second?.sentAtMs ?? 0) - (first?.sentAtMs ?? 0)).toBeGreaterThan(950)
  })

  test('a retry after the pools have come back succeeds without the application noticing', async () => {
    breakAll({ status: 503, times: 1 })
    const recorded = recordingFetch()
    const client = openAi(own, { maxRetries: 1, fetch: recorded.fetch })
    const answer = await client.chat.completions.create(question(own))
    expect(answer.choices[0]?.finish_reason).toBe('length')
    expect(recorded.exchanges.map(({ status }) => status)).toEqual([503, 200])
  })

  test.each([
    ['a status', { status: 500 }],
    ['a lack of memory or slots', { status: 429 }],
    ['a broken connection', { down: true }],
    ['a redirect', { redirect_to: 'http://elsewhere.example/' }],
    ['an end before the first token', { die_after_tokens: 0 }],
  ] as const)('a pool that fails with %s is replaced by another, streamed or not', async (_name, fault) => {
    for (const temperature of [0, 1]) {
      for (const stream of [false, true]) {
        engines().forEach((engine) => engine.clearFaults())
        own.mesh.engines['eu-central']?.setFaults({ ...fault })
        const recorded = recordingFetch()
        const client = openAi(own, { fetch: recorded.fetch })
        const headers = { 'x-mesh-cache': 'refresh' }
        const body = question(own, { temperature })
        const text = stream
          ? textOf(await collect(await client.chat.completions.create({ ...body, stream }, { headers })))
          : (await client.chat.completions.create(body, { headers })).choices[0]?.message.content
        expect(text).toMatch(/\w/)
        expect(recorded.exchanges.map(({ status }) => status)).toEqual([200])
        expect(recorded.exchanges[0]?.headers.get('x-mesh-pool')).not.toBe('eu-central')
      }
    }
  })

  test('a pool that finds the request wrong is believed: no other is asked, nothing is retried', async () => {
    breakAll({ status: 400 })
    const { failure, exchanges } = await failureOf({ target: own })
    expect(failure).toBeInstanceOf(BadRequestError)
    expect(failure).toMatchObject({ code: 'pool_rejected_request' })
    expect(failure.message).not.toContain('asked for')
    expect(exchanges).toHaveLength(1)
    expect(requests()).toBe(1)
  })

  test.each([
    ['by the count of its tokens', 33_000],
    ['as can be seen from its size', 180_000],
  ])("a prompt too long, %s, is a mistake of the client's", async (_how, words) => {
    const { failure, exchanges } = await failureOf({
      target: own,
      fields: { content: anew('word '.repeat(words)) },
    })
    expect(failure).toBeInstanceOf(BadRequestError)
    expect(failure).toMatchObject({ code: 'context_length_exceeded', param: 'messages' })
    expect(exchanges).toHaveLength(1)
  })

  test('a tenant whose region is down is refused, and touches no pool elsewhere', async () => {
    own.mesh.engines['eu-central']?.setFaults({ down: true })
    const { failure } = await failureOf({ target: own, apiKey: KEYS['eu-bank'], maxRetries: 0 })
    expect(failure).toMatchObject({ status: 503, code: 'no_eligible_pool' })
    expect(own.mesh.engines['us-east']?.stats().requests).toBe(0)
    expect(own.mesh.engines['ap-southeast']?.stats().requests).toBe(0)
  })

  test("a tenant that asks for what its floor forbids gets the SDK's PermissionDeniedError", async () => {
    const { failure, exchanges } = await failureOf({
      target: own,
      apiKey: KEYS['eu-bank'],
      headers: { 'x-mesh-residency': 'us' },
    })
    expect(failure).toBeInstanceOf(PermissionDeniedError)
    expect(failure).toMatchObject({ status: 403, code: 'residency_violation' })
    expect(exchanges).toHaveLength(1)
    expect(requests()).toBe(0)
  })

  test('the log line of a failure has the request id that the client got', async () => {
    const { failure } = await failureOf({ target: own, fields: { temperature: 5 } })
    const lines = own.mesh.logs.filter((line) => line.includes(String(failure.requestID)))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('invalid_parameter')
  })
})
