/**
 * The mesh in front of llama.cpp and a real model: what its pools make between them, be it killed, resumed, joined, cut or
 * continued, is to the character what one of them says alone.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Answer } from '../support/answer.ts'
import { dropRun, readRun, textOfEvents } from '../support/dropped-run.ts'
import { KEYS } from '../support/mesh-config.ts'
import type { TestMesh } from '../support/mesh.ts'
import { said } from '../support/one-engine.ts'
import { postHead, sendRaw, type RawRequest } from '../support/raw-request.ts'
import { realEngine } from '../support/real-engine.ts'
import { completed, startRealMesh, TOKENS, type RealMesh } from '../support/real-mesh.ts'
import { restartObjects } from '../support/restart.ts'

const STREAM = { stream: true, stream_options: { include_usage: true } }
const FORMS = [
  ['JSON', {}],
  ['a stream', STREAM],
] as const
const PRIVATE = { 'x-mesh-cache': 'off' }
const SHARED = { 'x-mesh-cache': 'refresh' }
/** The same question, made by the isolate itself and by a shard; and after how many tokens its pool is killed. */
const PATHS = [
  ['private', PRIVATE, [0, 1, 2, 11, 30, 47, 58, 59, 60]],
  ['shared', SHARED, Array.from({ length: TOKENS + 1 }, (_, after) => after)],
] as const
const STORY = 'Once upon a time'
/** Its answer has apostrophes and quotation marks of three bytes, each of which is a token. */
const QUOTES = '“Yes”, “No”, “Yes”, “No”, “'
const PROMPTS = [STORY, QUOTES, 'Lily and Ben', 'Tell me a long story.', '€€€€€€€€']
/** Its answer goes on until the context ends. */
const ENDLESS = 'What is a mesh?'
const TOGETHER = 20
const WAIT = { timeout: 10_000, interval: 5 }
const WITHIN_A_SECOND = { timeout: 1000, interval: 5 }
/** On two cores that other tests want too. */
const MANY_MS = 120_000

const setup = await realEngine()

describe.skipIf('skip' in setup)('a mesh of real engines', () => {
  let real: RealMesh
  beforeAll(async () => {
    if (!('skip' in setup)) real = await startRealMesh(setup)
  })
  afterAll(() => real.stop())
  beforeEach(() => real.clearFaults())

  function expectSame(answer: Answer, expected: Answer, where: unknown): void {
    expect({ where, ...said(answer) }).toEqual({ where, ...said(expected) })
  }

  describe.each(PATHS)('on the %s path', (_path, headers, kills) => {
    test.each(FORMS)('answers as an engine does, as %s', async (_form, form) => {
      const finishes: unknown[] = []
      for (const prompt of PROMPTS) {
        const answer = await real.ask(prompt, { max_tokens: 300, ...form }, { headers })
        expectSame(answer, await real.alone(prompt, 300), prompt)
        finishes.push(answer.finish)
      }
      expect(new Set(finishes)).toEqual(new Set(['stop', 'length']))
    })

    test(
      'a pool that dies after any of its tokens is not missed',
      async () => {
        const whole = await real.alone(QUOTES)
        expect(whole).toMatchObject({ finish: 'length', usage: { completion_tokens: TOKENS } })
        for (const after of kills) {
          const form = after % 2 === 0 ? {} : STREAM
          const { answer, generations } = await real.struck({ die_after_tokens: after }, () =>
            real.ask(QUOTES, form, { headers }),
          )
          expectSame(answer, whole, after)
          expect([after, generations]).toEqual([after, after === TOKENS ? 1 : 2])
        }
      },
      MANY_MS,
    )

    test('nor in a completion', async () => {
      const whole = await completed(real, STORY, headers)
      expect(whole).toMatchObject({ text: (await real.alone(STORY)).text, finish_reason: 'length' })
      for (const after of [1, 14, 33, 59]) {
        const { answer, generations } = await real.struck({ die_after_tokens: after }, () =>
          completed(real, STORY, headers),
        )
        expect({ after, generations, ...answer }).toEqual({ after, generations: 2, ...whole })
      }
    })

    test('nor is one that stalls', async () => {
      const whole = await real.alone(STORY)
      for (const after of [1, 40]) {
        const { answer, generations } = await real.struck({ stall_after_tokens: after }, () =>
          real.ask(STORY, STREAM, { headers }),
        )
        expectSame(answer, whole, after)
        expect([after, generations]).toEqual([after, 2])
      }
    })

    test.each(FORMS)('two that die in turn end it, with an error, as %s', async (_form, form) => {
      const whole = await real.alone(STORY, 40)
      real.setFaults({ die_after_tokens: 20 })
      const since = real.counting()
      const answer = await real.ask(STORY, form, { headers })
      expect([answer.error, answer.finish]).toEqual(['stream_truncated', null])
      const isStream = 'stream' in form
      expect([answer.status, answer.text]).toEqual(isStream ? [200, whole.text] : [502, ''])
      expect(since()).toMatchObject({ generations: 2, tokens: 40 })
    })

    test.each(FORMS)('a client that leaves ends its generation, as %s', async (_form, form) => {
      const since = real.counting()
      const request = post(real.mesh, ENDLESS, { max_tokens: 2000, ...form }, headers)
      await expect.poll(() => since().tokens, WAIT).toBeGreaterThan(3)
      if ('stream' in form) await expect.poll(request.received, WAIT).toContain('"content"')
      request.socket.resetAndDestroy()
      await expect
        .poll(since, WITHIN_A_SECOND)
        .toMatchObject({ generations: 1, aborted: 1, completed: 0, running: 0 })
      expectSame(await real.ask(ENDLESS, { max_tokens: 200 }), await real.alone(ENDLESS, 200), 'afterwards')
    })
  })

  describe('twenty who ask the same at once', () => {
    test.each([
      ['in one data centre', 'story', ['FRA']],
      ['in two, where the model is made once in the world', 'world-story', ['FRA', 'SIN']],
    ])('%s, cost one generation', async (_name, model, colos) => {
      const prompt = real.fresh()
      const whole = await real.alone(prompt)
      const since = real.counting()
      const asking = Array.from({ length: TOGETHER }, (_, index) => {
        const body = { model, ...(index % 2 === 0 ? {} : STREAM) }
        return real.ask(prompt, body, { colo: colos[index % 3 === 0 ? colos.length - 1 : 0] ?? 'FRA' })
      })
      const answers = await Promise.all(asking)
      for (const [index, answer] of answers.entries()) expectSame(answer, whole, index)
      expect(since()).toMatchObject({ generations: 1, completed: 1, tokens: TOKENS })
      expect(answers.filter(({ word }) => word === 'miss')).toHaveLength(1)
    })
  })

  describe('an answer that ended by its limit', () => {
    const LIMITS = [
      [10, 'miss', 10],
      [60, 'extended', 50],
      [25, 'hit', 0],
    ] as const

    test.each(FORMS)('goes on for more and is cut for less, as %s', async (_form, form) => {
      for (const prompt of [real.fresh(), `“Yes”, “No”, ${real.fresh()} “`]) {
        for (const [limit, word, tokens] of LIMITS) {
          const expected = await real.alone(prompt, limit)
          const since = real.counting()
          const answer = await real.ask(prompt, { max_tokens: limit, ...form })
          expectSame(answer, expected, [prompt, limit])
          expect([limit, answer.word, since().tokens]).toEqual([limit, word, tokens])
        }
      }
    })

    test('is cut for less while it is made, too', async () => {
      const whole = await real.alone(ENDLESS, 600)
      const half = await real.alone(ENDLESS, 300)
      const since = real.counting()
      const leader = real.ask(ENDLESS, { model: 'world-story', max_tokens: 600, ...STREAM })
      await expect.poll(() => since().tokens, WAIT).toBeGreaterThan(0)
      const followers = [STREAM, {}].map((form) =>
        real.ask(ENDLESS, { model: 'world-story', max_tokens: 300, ...form }),
      )
      expectSame(await leader, whole, 'leader')
      for (const follower of await Promise.all(followers)) {
        expectSame(follower, half, 'follower')
        expect(['coalesced', 'hit']).toContain(follower.word)
      }
      expect(since()).toMatchObject({ generations: 1, completed: 1, tokens: 600 })
    })

    test('goes on by yet another pool where one dies in it', async () => {
      for (const after of [0, 1, 13, 49, 50]) {
        let prompt = ''
        const { answer, generations } = await real.struck(
          { die_after_tokens: after },
          () => real.ask(prompt, STREAM),
          () => {
            prompt = real.fresh()
            return real.ask(prompt, { max_tokens: 10 })
          },
        )
        expectSame(answer, await real.alone(prompt), after)
        expect([after, answer.word, generations]).toEqual([after, 'extended', after === 50 ? 1 : 2])
      }
    })
  })

  test('a run dropped at every tenth event is read on in another data centre', async () => {
    for (let after = 1; after <= 121; after += 10) {
      const prompt = real.fresh()
      const expected = await real.alone(prompt, 120)
      const since = real.counting()
      const { run, events } = await dropRun(real.mesh, prompt, { maxTokens: 120, afterEvents: after })
      const rest = await readRun(real.mesh, run, events.length)
      const whole = await readRun(real.mesh, run, 0)
      expect(events).toHaveLength(after)
      expect([...events, ...rest]).toEqual(whole)
      expect(textOfEvents(whole)).toBe(expected.text)
      expect(whole.at(-1)).toBe('data: [DONE]')
      expect(since().generations).toBe(1)
    }
  })

  test('a shard that restarts in the middle of an answer is not missed', async () => {
    for (const [prompt, after, form] of [
      [QUOTES, 1, STREAM],
      [QUOTES, 33, STREAM],
      [STORY, 20, {}],
    ] as const) {
      const whole = await real.alone(prompt)
      // One that has stalled is still in the middle of it, however fast it is.
      const { answer, generations } = await real.struck({ stall_after_tokens: after }, async () => {
        const since = real.counting()
        const asking = real.ask(prompt, form, { headers: SHARED })
        await expect.poll(() => since().tokens, WAIT).toBeGreaterThanOrEqual(after)
        await restartObjects(real.mesh)
        return asking
      })
      expectSame(answer, whole, [prompt, after])
      // On a busy machine the stall may be noticed before the objects are gone: that second take dies too.
      expect([2, 3], `cut after ${after}`).toContain(generations)
      await expect.poll(() => real.counting()().running, WAIT).toBe(0)
    }
  })
})

/** A question at temperature 0 on a connection that can be reset. */
function post(
  mesh: TestMesh,
  content: string,
  body: object,
  headers: Readonly<Record<string, string>>,
): RawRequest {
  const text = JSON.stringify({
    model: 'story',
    messages: [{ role: 'user', content }],
    temperature: 0,
    ...body,
  })
  const lines = Object.entries({
    authorization: `Bearer ${KEYS.demo}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`)
  return sendRaw(mesh.url('FRA'), postHead('/v1/chat/completions', lines) + text)
}
