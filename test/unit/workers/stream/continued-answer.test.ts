/** An answer whose pool dies is finished by another, wherever that happens, or ends as it broke. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  engineEvents,
  engineText,
  TOKENS,
  WHOLE_TEXT,
  type EngineOptions,
} from '../../../support/token-engine.ts'
import { must } from '../a-dispatch.ts'
import { DEATHS, dyingAnswer, eventStream, OUTCOME_OF, type Death } from '../a-dying-pool.ts'
import { aProduction, readToEnd, type ProductionCall, type ProductionOptions } from '../a-production.ts'

/** What a pool does: nothing said means that it answers to the end. */
interface Fate extends EngineOptions {
  readonly diesAfter?: number
  readonly death?: Death
  readonly status?: number
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function answerAs({ body, signal }: ProductionCall, fate: Fate): Response {
  if (fate.status !== undefined) return new Response('{}', { status: fate.status })
  const events = engineEvents(body, fate)
  if (fate.diesAfter === undefined) return eventStream(engineText(events))
  return dyingAnswer(engineText(events, fate.diesAfter), fate.death ?? 'break', signal)
}

/** A production in which the first pool that is asked has the first fate, and so on. */
function aProductionOf(fates: readonly Fate[], options: ProductionOptions = {}) {
  return aProduction((call) => answerAs(call, fates[call.turn] ?? {}), options)
}

async function readAll(production: ReturnType<typeof aProductionOf>) {
  const reading = production.run().then((produced) => {
    if (!produced.ok) throw new Error(produced.error.reason)
    return readToEnd(produced.value.answer)
  })
  await vi.advanceTimersByTimeAsync(120_000)
  return reading
}

/** As a call does whose pool has not sent its headers: it ends with its signal. */
function neverAnswers({ signal }: ProductionCall): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new DOMException('left', 'AbortError')), { once: true })
  })
}

const askedOf = ({ calls }: ReturnType<typeof aProductionOf>) => calls.map(({ pool }) => pool)
const EVERY_COUNT = [0, ...TOKENS.map((_, index) => index + 1)]

describe.each(Object.entries(DEATHS))('when %s', (_name, death) => {
  test('after any number of tokens, the text, the counts and the end are those of one answer', async () => {
    for (const diesAfter of EVERY_COUNT) {
      const production = aProductionOf([{ diesAfter, death }])
      const read = await readAll(production)
      expect(read).toMatchObject({ text: WHOLE_TEXT, finishes: ['stop'], outcome: 'completed' })
      expect(read.usage).toMatchObject({ promptTokens: 7, completionTokens: 20 })
      // Each count once, whoever made the token; the role is none, and the finish adds none.
      expect(read.counts).toEqual([...EVERY_COUNT, 20])
      expect(askedOf(production)).toEqual(['eu-central', 'us-east'])
      expect(production).toMatchObject({ pending: 0, poisonings: 0 })
    }
  })

  test('under a limit, what is left of it is asked for, and nothing when nothing is left', async () => {
    for (let diesAfter = 1; diesAfter <= 12; diesAfter += 1) {
      const production = aProductionOf([{ diesAfter, death }], { tokenLimit: 12 })
      const read = await readAll(production)
      expect(read).toMatchObject({ text: TOKENS.slice(0, 12).join(''), finishes: ['length'] })
      expect(read.usage).toMatchObject({ promptTokens: 7, completionTokens: 12 })
      expect(read.outcome).toBe('completed')
      expect(production.calls.slice(1).map(({ body }) => body['max_tokens'])).toEqual(
        diesAfter === 12 ? [] : [12 - diesAfter],
      )
    }
  })

  test.each<[string, ProductionOptions]>([
    ['with tools', { body: { tools: [{ type: 'function', function: { name: 'f' } }] } }],
    ['with a schema', { body: { response_format: { type: 'json_object' } } }],
    ['with log probabilities', { body: { logprobs: true } }],
    ['when the tenant wants none', { continuation: 'off' }],
    ['when it was sampled', { body: { temperature: 1 } }],
  ])('%s nobody goes on: it ends as it broke', async (_kind, options) => {
    const production = aProductionOf([{ diesAfter: 5, death }], options)
    const read = await readAll(production)
    expect(read).toMatchObject({ text: TOKENS.slice(0, 5).join(''), finishes: [] })
    expect(read.outcome).toBe(OUTCOME_OF[death])
    expect(askedOf(production)).toEqual(['eu-central'])
    expect(production).toMatchObject({ pending: 0, poisonings: 0 })
  })
})

test('a pool goes on from the text so far, as the unfinished last message', async () => {
  const production = aProductionOf([{ diesAfter: 6 }])
  await readAll(production)
  expect(production.calls[1]?.body).toMatchObject({
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Es war einmal ein Käse,' },
    ],
    continue_final_message: true,
    add_generation_prompt: false,
  })
})

test('a sampled answer is finished by another pool where the tenant allows that', async () => {
  const read = await readAll(
    aProductionOf([{ diesAfter: 5 }], { continuation: 'always', body: { temperature: 1 } }),
  )
  expect(read).toMatchObject({ text: WHOLE_TEXT, outcome: 'completed', takenOverBy: ['us-east'] })
})

test('what a pool repeats of the text it was given is not in the answer twice', async () => {
  for (let diesAfter = 3; diesAfter <= 19; diesAfter += 1) {
    const production = aProductionOf([{ diesAfter }, { echoes: true }])
    expect(await readAll(production)).toMatchObject({ text: WHOLE_TEXT, outcome: 'completed' })
  }
})

describe('pools that do not count their tokens', () => {
  test('are followed by another without a limit, and nobody adds up what is not known', async () => {
    const read = await readAll(aProductionOf([{ diesAfter: 8, counts: false }]))
    expect(read).toMatchObject({ text: WHOLE_TEXT, outcome: 'completed', usage: undefined })
  })

  test('are not under a limit: what is left of it is not known', async () => {
    const production = aProductionOf([{ diesAfter: 8, counts: false }], { tokenLimit: 12 })
    const read = await readAll(production)
    expect(read).toMatchObject({ text: TOKENS.slice(0, 8).join(''), outcome: 'truncated' })
    expect(askedOf(production)).toEqual(['eu-central'])
  })
})

describe('two deaths', () => {
  test.each(Object.values(DEATHS))(
    'end it as the second broke (%s); a third pool is not risked',
    async (death) => {
      const production = aProductionOf([{ diesAfter: 4 }, { diesAfter: 3, death }])
      const read = await readAll(production)
      expect(read).toMatchObject({
        text: TOKENS.slice(0, 7).join(''),
        finishes: [],
        takenOverBy: ['us-east'],
      })
      expect(read.outcome).toBe(OUTCOME_OF[death])
      expect(askedOf(production)).toEqual(['eu-central', 'us-east'])
      expect(production).toMatchObject({ pending: 0, poisonings: 1 })
    },
  )

  test('count where one was before the first token', async () => {
    const production = aProductionOf([{ diesAfter: 0 }, { diesAfter: 3 }])
    expect(await readAll(production)).toMatchObject({ text: 'Es war einmal', outcome: 'truncated' })
    expect(askedOf(production)).toEqual(['eu-central', 'us-east'])
    expect(production.poisonings).toBe(1)
  })

  test('count where the second was before its first token', async () => {
    const production = aProductionOf([{ diesAfter: 3 }, { diesAfter: 0 }])
    expect(await readAll(production)).toMatchObject({ text: 'Es war einmal', outcome: 'truncated' })
    expect(askedOf(production)).toEqual(['eu-central', 'us-east'])
    expect(production.poisonings).toBe(1)
  })

  test('of which the second was at the limit still make a whole answer', async () => {
    const production = aProductionOf([{ diesAfter: 4 }, { diesAfter: 8 }], { tokenLimit: 12 })
    const read = await readAll(production)
    expect(read).toMatchObject({ text: TOKENS.slice(0, 12).join(''), finishes: ['length'] })
    expect(read.outcome).toBe('completed')
    expect(production.poisonings).toBe(1)
  })
})

test('a pool that refuses to go on is no death: the next is asked', async () => {
  const production = aProductionOf([{ diesAfter: 4 }, { status: 500 }])
  const read = await readAll(production)
  expect(read).toMatchObject({ text: WHOLE_TEXT, takenOverBy: ['ap-southeast'], outcome: 'completed' })
  expect(production.poisonings).toBe(0)
})

test('when no pool takes it, it ends as it broke', async () => {
  const production = aProductionOf([{ diesAfter: 4, death: 'err' }, { status: 500 }, { status: 429 }])
  expect(await readAll(production)).toMatchObject({
    text: 'Es war einmal ein',
    outcome: 'upstream_error',
    takenOverBy: [],
  })
  expect(production).toMatchObject({ pending: 0, poisonings: 0 })
})

test('what was begun before counts: the text goes on, and so do tokens, limit and prompt', async () => {
  const begun = {
    text: 'Es war einmal',
    tokens: 3,
    usage: { promptTokens: 99, completionTokens: 3, raw: '{}' },
  }
  const production = aProductionOf([{ diesAfter: 4 }], { begun, tokenLimit: 12 })
  const read = await readAll(production)
  expect('Es war einmal' + read.text).toBe(TOKENS.slice(0, 12).join(''))
  expect(read.usage).toMatchObject({ promptTokens: 99, completionTokens: 12 })
  expect(production.calls.map(({ body }) => body['max_tokens'])).toEqual([9, 5])
})

test('a token that shows nothing yet, as half a character does, is asked for again', async () => {
  // The eighth of them comes with the ninth.
  const production = aProduction(
    (call) => {
      const events = engineEvents(call.body)
      const text = engineText(events, call.turn === 0 ? 8 : undefined)
      const whole = text.replace('{"content":" 🧀"}', '{"content":""}').replace('" hieß"', '" 🧀 hieß"')
      return call.turn === 0 ? dyingAnswer(whole, 'break', call.signal) : eventStream(text)
    },
    { tokenLimit: 12 },
  )
  const read = await readAll(production)
  expect(read).toMatchObject({
    text: TOKENS.slice(0, 12).join(''),
    finishes: ['length'],
    outcome: 'completed',
  })
  expect(read.usage).toMatchObject({ completionTokens: 12 })
  expect(production.calls.map(({ body }) => body['max_tokens'])).toEqual([12, 5])
})

describe('a client that leaves while another pool is being asked', () => {
  test('ends that call, and the answer as one that was left', async () => {
    const production = aProduction((call) =>
      call.turn === 0 ? answerAs(call, { diesAfter: 4 }) : neverAnswers(call),
    )
    const produced = await production.run()
    const { answer } = must(produced.ok ? produced.value : undefined)
    const reading = readToEnd(answer)
    await vi.advanceTimersByTimeAsync(0)
    expect(production.calls).toHaveLength(2)
    production.client.abort()
    answer.cancel()
    expect(await reading).toMatchObject({ text: 'Es war einmal ein', outcome: 'client_cancelled' })
    expect(production.calls[1]?.signal.aborted).toBe(true)
    expect(production).toMatchObject({ pending: 0, poisonings: 0 })
  })

  test('lets go of the pool that takes over at that moment', async () => {
    let takeOver: () => void = () => undefined
    const production = aProduction((call) => {
      if (call.turn === 0) return answerAs(call, { diesAfter: 4 })
      return new Promise<Response>((resolve) => {
        takeOver = () => resolve(answerAs(call, { diesAfter: 4, death: 'stall' }))
      })
    })
    const produced = await production.run()
    const { answer } = must(produced.ok ? produced.value : undefined)
    const reading = readToEnd(answer)
    await vi.advanceTimersByTimeAsync(0)
    answer.cancel()
    takeOver()
    expect((await reading).outcome).toBe('client_cancelled')
    expect(production.calls[1]?.signal.aborted).toBe(true)
    expect(production.pending).toBe(0)
  })
})
