/** What every dialect's adapter must do, run by each adapter's own test over its wire fixtures. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SEPARATES_TENANTS } from '../../../shared/config/check-shared-prefix.ts'
import { DENIED_FIELDS } from '../../../shared/schema/denied-fields.ts'
import { GATEWAY_ONLY_FIELDS } from '../../../shared/schema/fields.ts'
import type { Surface } from '../../../shared/log/frame.ts'
import type { StreamEnd } from '../../../shared/stream/ingest.ts'
import type { PoolAdapter, PoolFault, PoolOptions } from '../../../workers/adapters/adapter.ts'
import { startReading } from '../../../workers/adapters/index.ts'
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
  /** Whether every frame is nothing but text of the only choice, so that another pool could go on from it. */
  readonly isPlain: boolean
  /** Name and arguments of the tool calls of the first choice. */
  readonly calls?: readonly (readonly [name: string, argumentText: string])[]
  /** Why it failed, where the stream says so. */
  readonly fault?: PoolFault
}

/** Where a dialect asks otherwise than OpenAI's API. */
export interface RequestForm {
  /** A surface without a path is not served. */
  readonly paths?: Partial<Readonly<Record<Surface, string>>>
  /** What the request below is sent as, on either surface. */
  readonly sent?: Readonly<Record<string, unknown>>
  /** Where a request carries our salt; everywhere, if that keeps tenants apart, else nowhere. */
  readonly salted?: readonly Surface[]
  /** What asks a chat to go on from its last message; null where nothing can. */
  readonly continuation?: Readonly<Record<string, unknown>> | null
  readonly pool?: PoolOptions
}

export interface ErrorCase {
  readonly fixture: string
  readonly status: number
  readonly fault: PoolFault
}

export const REJECTED: PoolFault = { kind: 'rejected' }
export const CONTEXT_LENGTH: PoolFault = { kind: 'context_length' }
export const MISCONFIGURED: PoolFault = { kind: 'misconfigured' }
export const SATURATED: PoolFault = { kind: 'saturated' }
export const UNAVAILABLE: PoolFault = { kind: 'unavailable' }

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
  cases: {
    readonly streams: readonly StreamCase[]
    readonly errors: readonly ErrorCase[]
    readonly requests?: RequestForm
  },
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
    describeRequests(adapter, cases.requests ?? {})
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
      fault: whole.end.fault,
    }).toEqual({
      outcome: streamCase.outcome,
      finishes: streamCase.finishes,
      texts: streamCase.texts,
      counts: streamCase.counts ?? [],
      usage: streamCase.usage && [streamCase.usage[0], streamCase.usage[1], streamCase.usage[2]],
      fault: streamCase.fault,
    })
    if (streamCase.calls !== undefined) expect(callsOf(whole.answer)).toEqual(streamCase.calls)
    expect(whole.late).toEqual([])
  })

  test('gives the text of every frame, or says that there is more in one', () => {
    const pieces = whole.frames.map(({ text }) => text)
    const isPlain = pieces.every((text) => text !== undefined)
    expect(isPlain).toBe(streamCase.isPlain)
    if (isPlain) expect(pieces.join('')).toBe(streamCase.texts[0] ?? '')
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

function callsOf(answer: string): unknown[] {
  const [{ message }] = JSON.parse(answer).choices
  return message.tool_calls.map(({ function: call }: { function: { name: string; arguments: string } }) => [
    call.name,
    call.arguments,
  ])
}

const REQUEST = {
  model: 'public-name',
  messages: [{ role: 'user', content: 'Hi' }],
  temperature: 0.5,
  stop: ['x'],
}
const SENT = {
  ...REQUEST,
  model: 'served/name',
  stream: true,
  stream_options: { include_usage: true },
}
const SURFACES = ['chat', 'completions'] as const
const PATHS = { chat: 'chat/completions', completions: 'completions' }
const BOTH_FLAGS = { continue_final_message: true, add_generation_prompt: false }

function describeRequests(adapter: PoolAdapter, form: RequestForm): void {
  const { paths = PATHS, continuation = BOTH_FLAGS, pool } = form
  const salted = form.salted ?? (SEPARATES_TENANTS[adapter.dialect] ? SURFACES : [])
  const served = SURFACES.filter((surface) => paths[surface] !== undefined)
  const build = (surface: Surface, extra: object = {}, isContinuation = false) => {
    const { path, body: text } = adapter.buildRequest({
      surface,
      body: { ...REQUEST, ...extra },
      servedModel: 'served/name',
      cacheSalt: 'salt-of-tenant',
      isContinuation,
      ...(pool === undefined ? {} : { pool }),
    })
    return { path, sent: JSON.parse(text) }
  }

  test.each(served)('asks for %s as a stream with usage, under the name the pool knows', (surface) => {
    const request = build(surface)
    expect(request.path).toBe(paths[surface])
    expect(request.sent).toMatchObject(form.sent ?? SENT)
  })

  test.each(SURFACES)('takes the fields of %s if it serves them, and none if not', (surface) => {
    const { size } = adapter.fields[surface]
    expect(size > 0).toBe(served.includes(surface))
    if (size > 0) expect(adapter.fields[surface]).toContain(surface === 'chat' ? 'messages' : 'prompt')
  })

  test.each(served)(
    "keeps the gateway's own fields of %s, and lets a client override none of ours",
    (surface) => {
      const hostile = Object.fromEntries([...GATEWAY_ONLY_FIELDS].map((field) => [field, 'client-marker']))
      const isSalted = salted.includes(surface)
      const { sent } = build(surface, { ...hostile, ...(isSalted ? { cache_salt: 'client-marker' } : {}) })
      expect(JSON.stringify(sent)).not.toContain('client-marker')
      expect(sent.cache_salt).toBe(isSalted ? 'salt-of-tenant' : undefined)
    },
  )

  test.runIf(continuation !== null)('asks a chat to go on from its last message, and only then', () => {
    const hostile = { continue_final_message: false, add_generation_prompt: true }
    expect(build('chat', {}, true).sent).toEqual({ ...build('chat').sent, ...continuation })
    expect(build('chat', hostile, true).sent).toMatchObject(continuation ?? {})
    expect(build('chat').sent).not.toHaveProperty('continue_final_message')
  })

  test.runIf(adapter.continues.completions)('asks completions by their prompt, which says it all', () => {
    expect(build('completions', {}, true)).toEqual(build('completions'))
  })

  test('accepts no field that is ours to set or that reaches into the engine', () => {
    const denied = ['stream', 'stream_options', ...DENIED_FIELDS]
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
    const texts = fc.array(fc.oneof(fc.string(), fc.json()), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(texts, fc.integer({ min: 400, max: 599 }), (events, status) => {
        for (const surface of SURFACES) {
          const readEvent = startReading(adapter)
          for (const text of events) readEvent(surface, text, 'message')
        }
        for (const text of events) adapter.readError(status, text)
      }),
    )
  })
}
