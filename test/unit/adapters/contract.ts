/** What every dialect's adapter must do, run by each adapter's own test over its wire fixtures. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GATEWAY_ONLY_FIELDS } from '../../../shared/schema/fields.ts'
import type { Surface } from '../../../shared/log/frame.ts'
import type { StreamEnd } from '../../../shared/stream/ingest.ts'
import type { PoolAdapter, PoolFault } from '../../../workers/adapters/adapter.ts'
import { READER, readStream } from './read-stream.ts'

export interface StreamCase {
  readonly fixture: string
  readonly surface?: Surface
  readonly expectedChoices?: number
  readonly outcome: StreamEnd['outcome']
  /** Folded text of each choice, by index. */
  readonly texts: readonly (string | null)[]
  readonly finishes: readonly string[]
  /** Prompt, completion and cached tokens; cached is left out where the pool did not say. */
  readonly usage?: readonly number[]
  /** The running count of each frame that states one. */
  readonly counts?: readonly number[]
}

export interface ErrorCase {
  readonly fixture: string
  readonly status: number
  readonly fault: PoolFault
}

export const REJECTED: PoolFault = { kind: 'rejected', retryable: false }
export const CONTEXT_LENGTH: PoolFault = { kind: 'context_length', retryable: false }
export const MISCONFIGURED: PoolFault = { kind: 'misconfigured', retryable: false }
export const SATURATED: PoolFault = { kind: 'saturated', retryable: true }
export const UNAVAILABLE: PoolFault = { kind: 'unavailable', retryable: true }

/** What statuses mean without a body that says more. */
const STATUSES: readonly [number, PoolFault][] = [
  [204, UNAVAILABLE],
  [206, UNAVAILABLE],
  [400, REJECTED],
  [401, MISCONFIGURED],
  [403, MISCONFIGURED],
  [404, MISCONFIGURED],
  [405, REJECTED],
  [408, UNAVAILABLE],
  [413, REJECTED],
  [422, REJECTED],
  [429, SATURATED],
  [500, UNAVAILABLE],
  [501, MISCONFIGURED],
  [502, UNAVAILABLE],
  [503, UNAVAILABLE],
  [504, UNAVAILABLE],
  [529, SATURATED],
]

const FIXTURES = join(import.meta.dirname, '../../fixtures/pools')
const SPLITS = 100
const OWN_MEMBERS = ['id', 'object', 'created', 'model', 'usage', 'obfuscation', 'timings', 'metrics']

export function describeAdapter(
  adapter: PoolAdapter,
  cases: { readonly streams: readonly StreamCase[]; readonly errors: readonly ErrorCase[] },
): void {
  describe(`the ${adapter.dialect} adapter`, () => {
    test('is tested with every fixture of its dialect', () => {
      const listed = [
        ...cases.streams.map(({ fixture }) => `${fixture}.sse`),
        ...cases.errors.map(({ fixture }) => `${fixture}.json`),
      ]
      const there = readdirSync(FIXTURES).filter((name) => name.startsWith(`${adapter.dialect}-`))
      expect(listed.toSorted()).toEqual(there.toSorted())
    })
    describe.each(cases.streams)('reading $fixture', (streamCase) => describeStream(adapter, streamCase))
    describeRequests(adapter)
    describeErrors(adapter, cases.errors)
  })
}

function describeStream(adapter: PoolAdapter, streamCase: StreamCase): void {
  const { fixture, surface = 'chat', expectedChoices = 1 } = streamCase
  const bytes = readFileSync(join(FIXTURES, `${fixture}.sse`))
  const whole = readStream(adapter, bytes, { surface, expectedChoices })

  test('gives the frames, the counts and the end that the pool meant', () => {
    const { usage } = whole.end
    expect({
      outcome: whole.end.outcome,
      finishes: whole.end.finishes.map(({ reason }) => reason),
      texts: textsOf(whole.answer),
      counts: whole.frames.flatMap(({ completionTokens }) => completionTokens ?? []),
      usage: usage && [usage.promptTokens, usage.completionTokens, usage.cachedTokens],
    }).toEqual({
      outcome: streamCase.outcome,
      finishes: streamCase.finishes,
      texts: streamCase.texts,
      counts: streamCase.counts ?? [],
      usage: streamCase.usage && [streamCase.usage[0], streamCase.usage[1], streamCase.usage[2]],
    })
    expect(whole.late).toEqual([])
  })

  test('keeps no line break and nothing of one pool in a frame', () => {
    for (const { members } of whole.frames) {
      expect(members).toMatch(/^\{"[^\r\n]*\}$/)
      expect(Object.keys(JSON.parse(members)).filter((key) => OWN_MEMBERS.includes(key))).toEqual([])
    }
  })

  test('renders what the pool said under our own id, time and name', () => {
    const events = whole.rendered.split('\n\n').slice(0, -1)
    expect(events.at(-1)).toBe('data: [DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.replace(/^data: /, '')))
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({ id: READER.id, created: READER.createdSeconds, model: READER.model })
    }
    expect(chunks.slice(0, whole.frames.length).map(({ choices }) => choices)).toEqual(
      whole.frames.map(({ members }) => JSON.parse(members).choices),
    )
  })

  test(`is the same however the bytes are cut (${SPLITS} random splits)`, () => {
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 40 })
    fc.assert(
      fc.property(cuts, (at) => {
        expect(readStream(adapter, bytes, { surface, expectedChoices, cuts: at })).toEqual(whole)
      }),
      { numRuns: SPLITS },
    )
  })

  test('is the same when every byte comes alone', () => {
    const cuts = [...bytes.keys()]
    expect(readStream(adapter, bytes, { surface, expectedChoices, cuts })).toEqual(whole)
  })
}

function textsOf(answer: string): unknown[] {
  const { choices } = JSON.parse(answer)
  return choices.map((choice: { message?: { content: unknown }; text?: unknown }) =>
    choice.message === undefined ? choice.text : choice.message.content,
  )
}

function describeRequests(adapter: PoolAdapter): void {
  const body = {
    model: 'public-name',
    messages: [{ role: 'user', content: 'Hi' }],
    temperature: 0.5,
    stop: ['x'],
  }
  const build = (surface: Surface, extra: object = {}) => {
    const { path, body: text } = adapter.buildRequest({
      surface,
      body: { ...body, ...extra },
      servedModel: 'served/name',
      cacheSalt: 'salt-of-tenant',
      isContinuation: false,
    })
    return { path, sent: JSON.parse(text) }
  }

  test.each([
    ['chat', 'chat/completions'],
    ['completions', 'completions'],
  ] as const)('asks for %s at %s as a stream with usage, under the name the pool knows', (surface, path) => {
    const request = build(surface)
    expect(request.path).toBe(path)
    expect(request.sent).toMatchObject({
      model: 'served/name',
      stream: true,
      stream_options: { include_usage: true },
      messages: body.messages,
      temperature: 0.5,
      stop: ['x'],
    })
  })

  test("keeps the gateway's own fields from the pool and lets a client override none of ours", () => {
    const hostile = Object.fromEntries([...GATEWAY_ONLY_FIELDS].map((field) => [field, 'client-marker']))
    const { sent } = build('chat', {
      ...hostile,
      ...(adapter.separatesTenants ? { cache_salt: 'client-marker' } : {}),
    })
    expect(JSON.stringify(sent)).not.toContain('client-marker')
    expect(sent.cache_salt).toBe(adapter.separatesTenants ? 'salt-of-tenant' : undefined)
  })

  test('accepts no field that is ours to set or that reaches into the engine', () => {
    const denied = [
      'stream',
      'stream_options',
      'cache_salt',
      'priority',
      'kv_transfer_params',
      'id_slot',
      'chat_template',
    ]
    for (const field of denied) {
      expect(adapter.fields.chat.has(field), field).toBe(false)
      expect(adapter.fields.completions.has(field), field).toBe(false)
    }
  })
}

function describeErrors(adapter: PoolAdapter, errors: readonly ErrorCase[]): void {
  test.each(errors)('takes $fixture for what it is', ({ fixture, status, fault }) => {
    expect(adapter.readError(status, readFileSync(join(FIXTURES, `${fixture}.json`), 'utf8'))).toEqual(fault)
  })

  test.each(STATUSES)('knows what a bare %i means', (status, fault) => {
    for (const body of ['', '<html>proxy</html>', '{"error":', 'null', '[]', '{"error":null}']) {
      expect(adapter.readError(status, body)).toEqual(fault)
    }
  })

  test('never throws, whatever a pool sends', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.integer({ min: 400, max: 599 }), (text, status) => {
        adapter.readEvent('chat', text)
        adapter.readEvent('completions', text)
        adapter.readError(status, text)
      }),
    )
  })
}
