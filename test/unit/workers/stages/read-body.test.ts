/** Whatever bytes come, a body is a request or an error of the client's, and holds budget only as a request. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toWire } from '../../../../shared/errors.ts'
import type { Arrived } from '../../../../workers/contexts.ts'
import type { Edge } from '../../../../workers/edge.ts'
import { readBody } from '../../../../workers/stages/read-body.ts'
import { createBodyBudget } from '../../../../workers/stores/body-budget.ts'
import { aMeshConfig } from '../../../support/mesh-config.ts'
import { must } from '../a-dispatch.ts'

const BUDGET_BYTES = 64 * 1024
const config = aMeshConfig(
  { 'eu-central': 'http://a.test', 'us-east': 'http://b.test', 'ap-southeast': 'http://c.test' },
  { limits: { body_budget_bytes: BUDGET_BYTES, max_body_bytes: 4096 } },
)
const GOOD = JSON.stringify({ model: 'story', messages: [{ role: 'user', content: 'Hi' }] })

function setUp() {
  const bodies = createBodyBudget(BUDGET_BYTES)
  const models = new Map(config.models.map((model) => [model.id, model]))
  const edge = { mesh: { config, models }, bodies } as unknown as Edge
  return {
    /** Whether nothing at all is held: then the whole budget can be taken. */
    isFree: () => {
      const isFree = bodies.take(BUDGET_BYTES)
      if (isFree) bodies.give(BUDGET_BYTES)
      return isFree
    },
    read: (body: BodyInit, headers: Record<string, string> = {}) => {
      const request = new Request('http://edge.test/', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      })
      // Of what came before, the stage reads the request, the surface and the tenant.
      const context = { request, surface: 'chat', tenant: must(config.tenants[0]) } as unknown as Arrived
      return readBody(context, edge)
    },
  }
}

test('an accepted body is held until it is released', async () => {
  const { read, isFree } = setUp()
  const result = await read(GOOD)
  expect(result.ok && result.value.context.bodyBytes).toBe(GOOD.length)
  expect(isFree()).toBe(false)
  if (result.ok) result.value.release()
  expect(isFree()).toBe(true)
})

describe('the header decides before the body is read', () => {
  test.each([
    ['', {}],
    ['text/plain', {}],
    ['application/jsonx', {}],
    ['application/json-patch+json', {}],
    ['text/plain; a=application/json', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
    ['application/json', { 'content-encoding': 'identity, br' }],
  ])('%s %o', async (type, headers) => {
    const { read } = setUp()
    expect(await read(GOOD, { 'content-type': type, ...headers })).toEqual({
      ok: false,
      error: { reason: 'unsupported_media_type' },
    })
  })

  test.each(['application/json', 'Application/JSON; charset=utf-8', 'application/json ; x=y'])(
    '%s is JSON',
    async (type) => {
      expect((await setUp().read(GOOD, { 'content-type': type })).ok).toBe(true)
    },
  )
})

describe('whatever comes, it is a 4xx or a request, and a refused one holds nothing', () => {
  async function check(body: BodyInit): Promise<void> {
    const { read, isFree } = setUp()
    const result = await read(body)
    if (result.ok) return result.value.release()
    const { status } = toWire(result.error)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(isFree()).toBe(true)
    return undefined
  }

  test('any bytes', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), (bytes) => check(bytes.slice())),
      {
        numRuns: 200,
      },
    ))

  test('any JSON', () => fc.assert(fc.asyncProperty(fc.json({ maxDepth: 40 }), check), { numRuns: 300 }))

  test('any members in a good request', () =>
    fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), (members) =>
        check(JSON.stringify({ ...JSON.parse(GOOD), ...members })),
      ),
      { numRuns: 300 },
    ))

  test('a good request that was changed anywhere', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(GOOD.length), fc.string({ maxLength: 3 }), (at, text) =>
        check(GOOD.slice(0, at) + text + GOOD.slice(at + 1)),
      ),
      { numRuns: 300 },
    ))

  test.each([
    ['nothing', ''],
    ['nesting', `${'['.repeat(4000)}`],
    ['nesting in a field', `{"model":"story","messages":${'['.repeat(2000)}${']'.repeat(2000)}}`],
    ['a lone surrogate', '{"model":"story","messages":[{"role":"user","content":"\\ud800"}]}'],
    ['a prototype', '{"__proto__":{"model":"story"},"constructor":1}'],
    ['a number too large', '{"model":"story","messages":[],"max_tokens":1e999}'],
  ])('%s', (_name, body) => check(body))
})
