import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cacheSalt } from '../../../shared/fingerprint/cache-salt.ts'
import { canonicalize } from '../../../shared/fingerprint/canonicalize.ts'
import { fingerprint, requestDigest, tenantKey } from '../../../shared/fingerprint/fingerprint.ts'
import { OUT_OF_FINGERPRINT_FIELDS } from '../../../shared/schema/fields.ts'
import known from '../../fixtures/fingerprint/vectors.json' with { type: 'json' }
import { nodeDigests } from './node-digests.ts'
import type { CacheScope } from '../../../shared/fingerprint/fingerprint.ts'
import type { Surface } from '../../../shared/log/frame.ts'

const master = nodeDigests.utf8(known.masterSecret)

interface Input {
  readonly surface: Surface
  readonly model: string
  readonly body: Record<string, unknown>
  readonly tenant: string
  readonly scope: CacheScope
  readonly epoch: number
  readonly placement: string
  readonly version: string
}

async function name(input: Input): Promise<string> {
  const key = await tenantKey(master, input.tenant, nodeDigests)
  const digest = await requestDigest(input, key, nodeDigests)
  return fingerprint({ ...input, requestDigest: digest }, key, nodeDigests)
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('agrees with the other program about', () => {
  test.each(known.vectors)('$name', async (vector) => {
    const { bodyText, ...rest } = vector.input
    const body = JSON.parse(bodyText) as Record<string, unknown>
    // The file's types are wider than what the script writes.
    const input = { ...rest, body } as Input
    const key = await tenantKey(master, input.tenant, nodeDigests)
    expect(canonicalize(body)).toBe(vector.canonicalBody)
    expect(hex(key)).toBe(vector.tenantKey)
    expect(hex(await requestDigest(input, key, nodeDigests))).toBe(vector.requestDigest)
    expect(await name(input)).toBe(vector.fingerprint)
    expect(await cacheSalt(key, input.tenant, nodeDigests)).toBe(vector.cacheSalt)
  })

  test('which of the cases are the same request', () => {
    const groups = Map.groupBy(known.vectors, (vector) => vector.fingerprint)
    const equal = [...groups.values()]
      .filter((vectors) => vectors.length > 1)
      .map((vectors) => vectors.map((vector) => vector.name))
    expect(equal).toEqual([
      ['one message', 'spaces and another key order', 'fields that do not count'],
      ['a parameter', 'minus zero is zero'],
      ['text outside ASCII', 'escapes are the characters they stand for'],
    ])
    expect(groups.size).toBeGreaterThanOrEqual(20)
  })
})

const base: Input = {
  surface: 'chat',
  model: 'small',
  body: { messages: [{ role: 'user', content: 'Hello' }], temperature: 0 },
  tenant: 'demo',
  scope: { kind: 'tenant' },
  epoch: 1,
  placement: 'anywhere',
  version: '1',
}

test('separates tenants, scopes, epochs, placements, versions, models and surfaces', async () => {
  const others: Partial<Input>[] = [
    { tenant: 'eu-bank' },
    { scope: { kind: 'key', id: 'a' } },
    { scope: { kind: 'key', id: 'b' } },
    { scope: { kind: 'user', id: 'a' } },
    { scope: { kind: 'user', id: '' } },
    { epoch: 2 },
    { placement: 'restricted:eu' },
    { version: '2' },
    { model: 'large' },
    { surface: 'completions' },
  ]
  const names = await Promise.all([base, ...others.map((other) => ({ ...base, ...other }))].map(name))
  expect(new Set(names).size).toBe(others.length + 1)
})

test('depends on the master secret', async () => {
  const digest = await requestDigest(base, master, nodeDigests)
  const other = await requestDigest(base, nodeDigests.utf8('another'), nodeDigests)
  expect(hex(digest)).not.toBe(hex(other))
})

describe('the body', () => {
  const withBody = (body: Record<string, unknown>) => name({ ...base, body })

  test('may have its keys in any order, at every depth', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
        async (extra) => {
          const body = { ...base.body, extra }
          expect(await withBody(reverseKeys(body) as Record<string, unknown>)).toBe(await withBody(body))
        },
      ),
    )
  })

  test('keeps the order of its arrays', async () => {
    const tools = [
      { type: 'function', function: { name: 'a' } },
      { type: 'function', function: { name: 'b' } },
    ]
    expect(await withBody({ ...base.body, tools })).not.toBe(
      await withBody({ ...base.body, tools: tools.toReversed() }),
    )
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ]
    expect(await withBody({ messages })).not.toBe(await withBody({ messages: messages.toReversed() }))
  })

  test('changes the name with every field that counts, and with what stands in it', async () => {
    const counting = fc.string({ minLength: 1 }).filter((field) => !isOut(field))
    await fc.assert(
      fc.asyncProperty(counting, fc.jsonValue(), fc.jsonValue(), async (field, one, other) => {
        const names = await Promise.all([
          withBody(base.body),
          withBody({ ...base.body, [field]: one }),
          withBody({ ...base.body, [field]: other }),
        ])
        fc.pre(!Object.hasOwn(base.body, field) && field !== '__proto__')
        expect(names[1]).not.toBe(names[0])
        expect(names[1] === names[2]).toBe(JSON.stringify(one) === JSON.stringify(other))
      }),
    )
  })

  test('changes the name with any character of any message', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string(), { minLength: 1 }),
        fc.nat(),
        fc.string(),
        async (texts, at, text) => {
          const index = at % texts.length
          fc.pre(texts[index] !== text)
          const messages = (contents: string[]) => contents.map((content) => ({ role: 'user', content }))
          expect(await withBody({ messages: messages(texts) })).not.toBe(
            await withBody({ messages: messages(texts.with(index, text)) }),
          )
        },
      ),
    )
  })

  test.each([...OUT_OF_FINGERPRINT_FIELDS, 'model'])('may have any %s', async (field) => {
    expect(await withBody({ ...base.body, [field]: 'any' })).toBe(await withBody(base.body))
  })

  test('is not confused by where one message ends and the next begins', async () => {
    const one = [{ role: 'user', content: 'ab' }]
    const two = [
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ]
    expect(await withBody({ messages: one })).not.toBe(await withBody({ messages: two }))
    expect(await withBody({ messages: [one] })).not.toBe(await withBody({ messages: one }))
  })
})

function isOut(field: string): boolean {
  return OUT_OF_FINGERPRINT_FIELDS.has(field) || field === 'model' || field === 'messages'
}

function reverseKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reverseKeys(member)]),
  )
}
