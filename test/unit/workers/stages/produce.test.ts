/** Producing obeys the rules of the moment at every dispatch, and asks only pools that can do what is wanted. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { narrowTo } from '../../../../shared/residency/place.ts'
import { err, ok } from '../../../../shared/result.ts'
import { mayContinue } from '../../../../workers/stages/produce.ts'
import type { GenerationRequest } from '../../../../shared/schema/request.ts'
import type { Tenant } from '../../../../shared/schema/mesh.ts'
import { engineEvents, engineText, WHOLE_TEXT } from '../../../support/token-engine.ts'
import { must } from '../a-dispatch.ts'
import { dyingAnswer, eventStream } from '../a-dying-pool.ts'
import {
  anywhere,
  aProduction,
  readToEnd,
  type ProductionCall,
  type ProductionOptions,
} from '../a-production.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** The first pool asked dies after four tokens, all others answer. */
function firstDies({ body, signal, turn }: ProductionCall): Response {
  const events = engineEvents(body)
  return turn === 0 ? dyingAnswer(engineText(events, 4), 'break', signal) : eventStream(engineText(events))
}

async function readAll(options: ProductionOptions, answer = firstDies) {
  const production = aProduction(answer, options)
  const produced = await production.run()
  const read = await readToEnd(must(produced.ok ? produced.value.answer : undefined))
  return { production, read, asked: production.calls.map(({ pool }) => pool) }
}

describe('the placement', () => {
  test('is asked for again before each dispatch: what rules take away in the meantime is not asked', async () => {
    let times = 0
    const { read, asked } = await readAll({
      placement(config) {
        times += 1
        const placed = anywhere(config)
        return placed.ok && times > 1 ? narrowTo(placed.value, new Set(['ap-southeast'])) : placed
      },
    })
    expect(times).toBe(2)
    expect(asked).toEqual(['eu-central', 'ap-southeast'])
    expect(read).toMatchObject({ text: WHOLE_TEXT, outcome: 'completed' })
  })

  test('that there is no more ends the answer as its pool broke it', async () => {
    let times = 0
    const { read, asked } = await readAll({
      placement(config) {
        times += 1
        return times > 1 ? err({ reason: 'residency_violation' }) : anywhere(config)
      },
    })
    expect(asked).toEqual(['eu-central'])
    expect(read).toMatchObject({ text: 'Es war einmal ein', outcome: 'truncated' })
  })

  test('that there is none of is what it fails with, and nobody is asked', async () => {
    const production = aProduction(firstDies, { placement: () => err({ reason: 'residency_violation' }) })
    expect(await production.run()).toEqual(err({ reason: 'residency_violation' }))
    expect(production.calls).toEqual([])
  })
})

describe('a pool whose dialect cannot go on from a text', () => {
  const pools = ['eu-central', 'us-east', 'ap-southeast'].map((id) => ({
    id,
    region: id,
    dialect: id === 'us-east' ? 'openai' : 'vllm',
    url: `http://${id}.test/v1`,
    models: [{ model: 'story', served: 'story-8b' }],
  }))

  test('is passed over when another has died', async () => {
    const { read, asked } = await readAll({ config: { pools } })
    expect(asked).toEqual(['eu-central', 'ap-southeast'])
    expect(read).toMatchObject({ text: WHOLE_TEXT, takenOverBy: ['ap-southeast'], outcome: 'completed' })
  })

  test('is passed over when a beginning is there from the start', async () => {
    const begun = { text: 'Es war', tokens: 2 }
    const placement: ProductionOptions['placement'] = (config) => {
      const placed = anywhere(config)
      return placed.ok ? narrowTo(placed.value, new Set(['us-east'])) : placed
    }
    const production = aProduction(firstDies, { config: { pools }, begun, placement })
    expect((await production.run()).ok).toBe(false)
    expect(production.calls).toEqual([])
  })

  test('is asked like any other from the start', async () => {
    const placement: ProductionOptions['placement'] = (config) => {
      const placed = anywhere(config)
      return placed.ok ? narrowTo(placed.value, new Set(['us-east'])) : placed
    }
    const { read } = await readAll({ config: { pools }, placement }, ({ body }) =>
      eventStream(engineText(engineEvents(body))),
    )
    expect(read).toMatchObject({ text: WHOLE_TEXT, outcome: 'completed' })
  })
})

test('two deaths before any token are told once, and are what it fails with', async () => {
  const production = aProduction(({ body, signal }) =>
    dyingAnswer(engineText(engineEvents(body), 0), 'break', signal),
  )
  expect(await production.run()).toEqual(err({ reason: 'request_quarantined' }))
  expect(production.poisonings).toBe(1)
  expect(production.calls.map(({ pool }) => pool)).toEqual(['eu-central', 'us-east'])
})

test.each<[Tenant['continuation'], Readonly<Record<string, unknown>>, boolean]>([
  ['deterministic', { temperature: 0 }, true],
  ['deterministic', { seed: 7 }, false],
  ['always', { seed: 7 }, true],
  ['deterministic', {}, false],
  ['deterministic', { temperature: 0, tools: [{}] }, false],
  ['always', {}, true],
  ['always', { tools: [{}] }, false],
  ['off', { temperature: 0 }, false],
])('with continuation = %s, and %j, another pool may go on: %s', (continuation, body, expected) => {
  const generation: GenerationRequest = {
    surface: 'chat',
    model: 'story',
    stream: true,
    includeUsage: false,
    body: { messages: [{ role: 'user', content: 'Hi' }], ...body },
    hints: {},
  }
  const tenant = must(aProduction(firstDies).config.tenants[0])
  expect(mayContinue(generation, { ...tenant, continuation })).toBe(expected)
})

test('what it gives tells who began, and how many were asked until then', async () => {
  const production = aProduction(({ body, turn }) =>
    turn === 0 ? new Response('{}', { status: 500 }) : eventStream(engineText(engineEvents(body))),
  )
  const produced = await production.run()
  const { dispatched, ranking } = must(produced.ok ? produced.value : undefined)
  expect(dispatched).toMatchObject({ attempts: 2, candidate: { placed: { pool: { id: 'us-east' } } } })
  expect(ok(ranking.ranked.length)).toEqual(ok(3))
})
