/** Streams that lose their connection and go on, under an unmodified client with `fetch: resumable()`. */
import { APIError, type OpenAI } from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { resumable, type Fetch } from '../../tools/resumable/resumable.ts'
import { anew, collect, question, textOf } from './ask.ts'
import { DROPPED, droppingFetch } from './dropping-fetch.ts'
import { describeOwn, openAi, openOwnTarget, openTarget, type OwnTarget, type Target } from './target.ts'

const SOON = { timeout: 10_000, interval: 20 }
const TOKENS = 30
const PATHS = [
  ['shared', 0],
  ['sampled', 1],
] as const

describe('a dropped stream is resumed', () => {
  describe('wherever it is', () => {
    let target: Target
    beforeAll(async () => {
      target = await openTarget()
    })
    afterAll(() => target.stop())

    test.each(PATHS.flatMap(([path, temperature]) => [1, 2, 7, 10].map((k) => ({ path, temperature, k }))))(
      'a $path answer that is dropped behind $k events, again and again, comes whole',
      async ({ temperature, k }) => {
        const dropping = droppingFetch(k)
        const { data, response } = await clientOf(target, dropping.fetch)
          .chat.completions.create({
            ...question(target, { temperature, max_tokens: TOKENS }),
            stream: true,
            stream_options: { include_usage: true },
          })
          .withResponse()
        const chunks = await collect(data)
        expect(textOf(chunks)).toBe(await wholeText(target, response.headers.get('x-mesh-run') ?? ''))
        expect(textOf(chunks)).toMatch(/\w/)
        expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
        const finishes = chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])
        expect(finishes).toHaveLength(1)
        expect(chunks.flatMap(({ usage }) => usage ?? [])).toHaveLength(1)
        expect(dropping.methods.filter((method) => method === 'GET').length).toBeGreaterThan(0)
        expect(dropping.methods).not.toContain('DELETE')
      },
    )

    test('an answer of the older completions too', async () => {
      const dropping = droppingFetch(3)
      const body = { model: target.model, prompt: anew('Go on'), max_tokens: TOKENS, temperature: 0 }
      const stream = await clientOf(target, dropping.fetch).completions.create({ ...body, stream: true })
      const resumed = (await collect(stream)).map(({ choices }) => choices[0]?.text ?? '').join('')
      const whole = await openAi(target).completions.create(body)
      expect(resumed).toBe(whole.choices[0]?.text)
      expect(dropping.methods).toContain('GET')
    })

    test('a run that is not there any more is an error after the text, never a clean end', async () => {
      const gone = `${target.url}/v1/generations/run_gone`
      const dropping = droppingFetch(3, (input, init) => fetch(init?.method === 'GET' ? gone : input, init))
      const stream = await clientOf(target, dropping.fetch).chat.completions.create({
        ...question(target),
        stream: true,
      })
      await expect(collect(stream)).rejects.toBe(DROPPED)
      expect(dropping.methods).toEqual(['POST', 'GET', 'DELETE'])
    })
  })

  describeOwn('in a mesh of several data centres', () => {
    let own: OwnTarget
    beforeAll(async () => {
      own = await openOwnTarget({ colos: ['FRA', 'IAD', 'SIN'], engine: { interTokenLatencyMs: 10 } })
    })
    afterEach(() => Object.values(own.mesh.engines).forEach((engine) => engine.clearFaults()))
    afterAll(() => own.stop())

    const running = () =>
      Object.values(own.mesh.engines).reduce((sum, engine) => sum + engine.stats().running, 0)

    test.each(PATHS)('it may be resumed in another one each time (%s)', async (_path, temperature) => {
      const colos = ['IAD', 'SIN', 'FRA']
      let resumes = 0
      const moving = droppingFetch(5, async (input, init) => {
        if (init?.method !== 'GET') return fetch(input, init)
        const { pathname, search } = new URL(input instanceof Request ? input.url : input)
        const colo = colos[resumes++ % colos.length] ?? ''
        return fetch(`${own.mesh.url(colo)}${pathname}${search}`, init)
      })
      const { data, response } = await clientOf(own, moving.fetch)
        .chat.completions.create({
          ...question(own, { temperature, max_tokens: TOKENS }),
          stream: true,
        })
        .withResponse()
      const text = textOf(await collect(data))
      expect(text).toBe(await wholeText(own, response.headers.get('x-mesh-run') ?? ''))
      expect(resumes).toBeGreaterThan(2)
    })

    test.each(PATHS)(
      'a client that leaves lets go of the run, and the pool stops (%s)',
      async (_, temperature) => {
        const endless = question(own, { temperature, max_tokens: 3000, min_tokens: 3000 })
        const stream = await clientOf(own, droppingFetch(4).fetch).chat.completions.create({
          ...endless,
          stream: true,
        })
        let chunks = 0
        for await (const _chunk of stream) {
          chunks += 1
          if (chunks === 10) break
        }
        await vi.waitFor(() => expect(running()).toBe(0), SOON)
      },
    )

    test('an error that the mesh reports in the stream is the client’s, and is not resumed', async () => {
      Object.values(own.mesh.engines).forEach((engine) => engine.setFaults({ die_after_tokens: 4 }))
      const whole = droppingFetch(Infinity)
      const failure: unknown = await clientOf(own, whole.fetch)
        .chat.completions.create({ ...question(own, { temperature: 1 }), stream: true })
        .then(collect)
        .catch((reason: unknown) => reason)
      expect(failure).toBeInstanceOf(APIError)
      expect(failure).toMatchObject({ code: 'stream_truncated' })
      expect(whole.methods).not.toContain('GET')
    })
  })
})

function clientOf(target: Target, send: Fetch): OpenAI {
  return openAi(target, { fetch: resumable({ fetch: send, backoffMs: [0] }) })
}

/** What the mesh says the answer was. */
async function wholeText(target: Target, run: string): Promise<string> {
  const headers = { authorization: `Bearer ${target.key}`, accept: 'application/json' }
  const response = await fetch(`${target.url}/v1/generations/${run}`, { headers })
  expect(response.status).toBe(200)
  // What this route answers a 200 with.
  const answer = (await response.json()) as OpenAI.ChatCompletion
  return answer.choices[0]?.message.content ?? ''
}
