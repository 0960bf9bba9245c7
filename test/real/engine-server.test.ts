/** The engine under its clients: slots, departures, faults, refusals, and the process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { MODEL_FILE, realEngine, type RealEngine } from '../support/real-engine.ts'
import { CHAT, chatOf, COMPLETIONS, piecesOf, post, stream, textOf, whole } from './client.ts'

const MAIN = new URL('../../tools/real-engine/main.ts', import.meta.url).pathname
const SLOTS = 2
/** Until the context ends: some seconds, if nobody leaves. */
const LONG = { ...chatOf('What is a mesh?'), temperature: 0, stream: true }

/** Long enough for a machine that does other things as well. */
const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 5_000, interval: 5 })

const setup = await realEngine()

describe.skipIf('skip' in setup)('the real engine as a server', () => {
  let engine: RealEngine

  beforeAll(async () => {
    if ('skip' in setup) return
    engine = await setup.start({ slots: SLOTS, alias: 'story-8b' })
  })
  afterAll(() => engine.close())
  afterEach(() => engine.clearFaults())

  /** What has been added to the stats since this was called. */
  function counting() {
    const before = engine.stats()
    return () => {
      const { generations, aborted, completed, tokens_generated: tokens, running } = engine.stats()
      return {
        generations: generations - before.generations,
        aborted: aborted - before.aborted,
        completed: completed - before.completed,
        tokens: tokens - before.tokens_generated,
        running,
      }
    }
  }

  test.each([true, false])('ends a generation whose client leaves (streamed: %s)', async (isStream) => {
    const since = counting()
    const leaving = new AbortController()
    const response = post(engine, CHAT, { ...LONG, stream: isStream }, leaving.signal)
    const body = isStream ? (await response).text() : response
    await eventually(() => since().tokens).toBeGreaterThan(3)
    leaving.abort()
    await expect(body).rejects.toThrow()
    await eventually(since).toMatchObject({ generations: 1, aborted: 1, completed: 0, running: 0 })
    const { tokens } = since()
    await whole(engine, CHAT, { ...chatOf('Lily'), max_tokens: 2 })
    expect(since().tokens).toBe(tokens + 2)
  })

  test('answers more requests than it has slots, one after the other', async () => {
    const since = counting()
    const asked = Array.from({ length: 6 }, () => whole(engine, CHAT, { ...chatOf('Lily'), max_tokens: 20 }))
    const texts = (await Promise.all(asked)).map((answer) => textOf([answer]))
    expect(new Set(texts).size).toBe(1)
    expect(since()).toEqual({ generations: 6, aborted: 0, completed: 6, tokens: 120, running: 0 })
  })

  test('does not begin what left while it waited', async () => {
    engine.setFaults({ stall_after_tokens: 1 })
    const since = counting()
    const staying = new AbortController()
    const leaving = new AbortController()
    const stalled = Array.from({ length: SLOTS }, () => post(engine, CHAT, LONG, staying.signal))
    await Promise.all(stalled)
    engine.clearFaults()
    const waiting = post(engine, CHAT, LONG, leaving.signal)
    const requests = engine.stats().requests
    await eventually(() => engine.stats().requests).toBe(requests + 1)
    leaving.abort()
    await expect(waiting).rejects.toThrow()
    await eventually(() => since().aborted).toBe(1)
    staying.abort()
    await eventually(since).toMatchObject({ generations: SLOTS, aborted: SLOTS + 1, running: 0 })
  })

  test.each([0, 1, 7])('dies after %d tokens, when told to', async (count) => {
    engine.setFaults({ die_after_tokens: count, times: 1 })
    const since = counting()
    const { chunks, isDone } = await stream(engine, CHAT, { ...LONG, max_tokens: 7 })
    expect(piecesOf(chunks).length).toBe(count)
    expect(isDone).toBe(false)
    expect(chunks.every(({ choices }) => choices[0]?.finish_reason === null)).toBe(true)
    await eventually(since).toMatchObject({ aborted: 0, running: 0 })
    expect((await stream(engine, CHAT, { ...LONG, max_tokens: 7 })).isDone).toBe(true)
  })

  test('stalls after so many tokens with its slot taken, until the client leaves', async () => {
    engine.setFaults({ stall_after_tokens: 3 })
    const since = counting()
    const leaving = new AbortController()
    const { body } = await post(engine, CHAT, LONG, leaving.signal)
    const decoder = new TextDecoder()
    let events = ''
    for await (const part of body ?? []) {
      events += decoder.decode(part)
      // The role's, then three tokens'.
      if (events.split('data: ').length - 1 === 4) break
    }
    expect(since()).toMatchObject({ tokens: 3, running: 1, aborted: 0 })
    leaving.abort()
    await eventually(since).toMatchObject({ tokens: 3, running: 0, aborted: 1 })
  })

  test('answers with a status, when told to', async () => {
    engine.setFaults({ status: 503, times: 1 })
    expect((await post(engine, CHAT, LONG)).status).toBe(503)
    expect((await post(engine, COMPLETIONS, { prompt: 'Lily', max_tokens: 1 })).status).toBe(200)
  })

  test('fills its context and no more', async () => {
    const prompt = Array.from({ length: 2040 }, () => 261)
    const answer = await whole(engine, COMPLETIONS, { prompt, max_tokens: 100 })
    expect(answer).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      usage: { prompt_tokens: 2040, completion_tokens: 8 },
    })
  })

  test.each([
    ['JSON that is none', CHAT, '{"messages":', 500, 'server_error'],
    ['a body that is no object', CHAT, '[]', 400, 'invalid_request_error'],
    ['a chat without messages', CHAT, '{}', 400, 'invalid_request_error'],
    [
      'an image',
      CHAT,
      '{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}',
      400,
      'invalid_request_error',
    ],
    [
      'a temperature that is no number',
      CHAT,
      '{"messages":[],"temperature":"0"}',
      400,
      'invalid_request_error',
    ],
    ['tools', CHAT, '{"messages":[],"tools":[{}]}', 400, 'invalid_request_error'],
    ['two choices', COMPLETIONS, '{"prompt":"a","n":2}', 400, 'invalid_request_error'],
    ['a completion without a prompt', COMPLETIONS, '{}', 400, 'invalid_request_error'],
    ['a prompt of nothing', COMPLETIONS, '{"prompt":[]}', 400, 'invalid_request_error'],
    ['a token there is not', COMPLETIONS, '{"prompt":[512]}', 400, 'invalid_request_error'],
    ['a route there is not', '/completions', '{}', 404, 'not_found_error'],
  ])('refuses %s', async (_, path, body, status, type) => {
    const response = await post(engine, path, body)
    const { error } = (await response.json()) as { error: unknown }
    expect(response.status).toBe(status)
    expect(error).toEqual({ code: status, message: expect.any(String), type })
  })

  test('refuses a prompt that fills the context', async () => {
    const response = await post(engine, COMPLETIONS, { prompt: Array.from({ length: 2048 }, () => 261) })
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        error: {
          code: 400,
          message:
            'request (2048 tokens) exceeds the available context size (2048 tokens), try increasing it',
          type: 'exceed_context_size_error',
          n_prompt_tokens: 2048,
          n_ctx: 2048,
        },
      },
    ])
  })

  test('says that it is well, and what it serves', async () => {
    expect(await (await fetch(`${engine.url}/health`)).json()).toEqual({ status: 'ok' })
    expect(await (await fetch(`${engine.url}/v1/models`)).json()).toMatchObject({
      object: 'list',
      data: [{ id: 'story-8b', object: 'model', owned_by: 'llamacpp', meta: { n_vocab: 512, n_ctx: 2048 } }],
    })
  })

  describe('as a process', () => {
    function run(...args: string[]) {
      return spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    }

    test('says when it is ready, and ends in the middle of an answer when it is told to', async () => {
      const child = run('--model', MODEL_FILE, '--slots', '1')
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const { ready, url } = JSON.parse(line.toString()) as { ready: boolean; url: string }
      expect(ready).toBe(true)
      const answer = await fetch(url + CHAT, { method: 'POST', body: JSON.stringify(LONG) })
      child.kill('SIGTERM')
      expect(await once(child, 'exit')).toEqual([0, null])
      await expect(answer.text()).rejects.toThrow()
    })

    test.each([
      ['a wrong flag', ['--modle', 'x'], 2, /^[^\n]*--modle[^\n]*\n$/],
      ['no model', [], 2, /^--model must be given[^\n]*\n$/],
      ['a file that is not there', ['--model', '/nowhere.gguf'], 1, /^The engine could not start: [^\n]+\n$/],
    ])('refuses %s with a line', async (_, args, status, line) => {
      const child = run(...args)
      const [lines, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
      expect([code, lines]).toEqual([status, expect.stringMatching(line)])
    })
  })
})
