/** An answer that ended by its token limit goes on for who asks for more, and is cut for who asks for less. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readAnswer, type Answer } from '../support/answer.ts'
import { aMeshConfig, KEYS, sha256 } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'

const MORE_KEYS = {
  unstitched: 'sk-mesh-unstitched-0123456789abcdefghijABCDEFGHIJ',
  never: 'sk-mesh-never-0123456789abcdefghijABCDEFGHIJ',
  always: 'sk-mesh-always-0123456789abcdefghijABCDEFGHIJ',
  sampled: 'sk-mesh-sampled-0123456789abcdefghijABCDEFGHIJ',
} as const
const STREAM = { stream: true, stream_options: { include_usage: true } }
const FORMS = [
  ['JSON', {}],
  ['streams', STREAM],
] as const
const LONG_MS = 60_000
const WAIT = { timeout: 20_000, interval: 20 }

let mesh: TestMesh
let unique = 0
beforeAll(async () => {
  mesh = await startMesh({
    colos: ['FRA', 'AMS'],
    distances: false,
    engine: { interTokenLatencyMs: 2 },
    config: (urls) =>
      aMeshConfig(
        // One engine behind all pools: a fault that comes once then befalls whichever is asked first.
        Object.fromEntries(Object.keys(urls).map((id) => [id, urls['eu-central'] ?? ''])),
        {
          tenants: [
            { id: 'demo', ...anywhere(KEYS.demo) },
            { id: 'unstitched', ...anywhere(MORE_KEYS.unstitched), cache: { stitched: false } },
            { id: 'never', ...anywhere(MORE_KEYS.never), continuation: 'off' },
            {
              id: 'always',
              ...anywhere(MORE_KEYS.always),
              cache: { mode: 'always' },
              continuation: 'always',
            },
            { id: 'sampled', ...anywhere(MORE_KEYS.sampled), cache: { mode: 'always' } },
          ],
          limits: { quarantine_ms: 1 },
        },
      ),
  })
  await ask('Warm up', { max_tokens: 1 })
})
afterAll(() => mesh.stop())
beforeEach(() => engine().clearFaults())

function anywhere(key: string) {
  return { floor: { anywhere: true }, keys: [{ id: 'k1', sha256: sha256(key) }] }
}

function engine() {
  const found = mesh.engines['eu-central']
  if (found === undefined) throw new Error('the mesh has no such pool')
  return found
}

function made(): { generations: number; tokens: number } {
  const { generations, tokens_generated: tokens } = engine().stats()
  return { generations, tokens }
}

function since(before: ReturnType<typeof made>): ReturnType<typeof made> {
  const now = made()
  return { generations: now.generations - before.generations, tokens: now.tokens - before.tokens }
}

function fresh(): string {
  unique += 1
  return `Tell me story number ${unique}.`
}

async function ask(
  prompt: string,
  body: object,
  { key = KEYS.demo, colo = 'FRA', cache = 'on' }: { key?: string; colo?: string; cache?: string } = {},
): Promise<Answer> {
  const messages = [{ role: 'user', content: prompt }]
  const response = await mesh.fetch(colo, '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-mesh-cache': cache },
    body: JSON.stringify({ model: 'story', messages, temperature: 0, ...body }),
  })
  return readAnswer(response)
}

function uninterrupted(prompt: string, body: object): Promise<Answer> {
  return ask(prompt, body, { cache: 'off' })
}

/** A prompt whose answer ends by itself, between 60 and 190 tokens. */
async function aStory(): Promise<{ prompt: string; whole: Answer }> {
  for (;;) {
    const prompt = fresh()
    const whole = await uninterrupted(prompt, {})
    const tokens = tokensOf(whole)
    if (tokens > 60 && tokens < 190) return { prompt, whole }
  }
}

function tokensOf({ usage }: Answer): number {
  return (usage as { completion_tokens: number }).completion_tokens
}

/** All that both must have in common; what a pool had cached of a prompt is not. */
function said({ text, finish, usage, status, error }: Answer): unknown {
  const { prompt_tokens_details: _details, ...counts } = (usage ?? {}) as Record<string, unknown>
  return { text, finish, counts, status, error }
}

describe.each(FORMS)('asked for as %s', (_form, form) => {
  test(
    'ten tokens grow to fifty and to all there are, by just those that were not there',
    async () => {
      const { prompt, whole } = await aStory()
      let tokens = 0
      const words: unknown[] = []
      for (const limit of [10, 50, 200]) {
        const expected = await uninterrupted(prompt, { max_tokens: limit })
        const before = made()
        const answer = await ask(prompt, { max_tokens: limit, ...form })
        words.push(answer.word)
        expect(said(answer)).toEqual(said(expected))
        expect(since(before)).toEqual({ generations: 1, tokens: tokensOf(expected) - tokens })
        tokens = tokensOf(expected)
      }
      expect(words).toEqual(['miss', 'extended', 'extended'])

      // It has ended by itself now, and is an answer to everyone.
      const before = made()
      for (const limit of [undefined, 1000, 200, 50, 10, 5, 1]) {
        const answer = await ask(prompt, { max_tokens: limit, ...form }, { colo: 'AMS' })
        const { text, finish, usage } = answer
        expect([limit, answer.word]).toEqual([limit, 'hit'])
        expect(whole.text.startsWith(text)).toBe(true)
        const isCut = limit !== undefined && limit < tokens
        expect([finish, usage]).toMatchObject([
          isCut ? 'length' : 'stop',
          { completion_tokens: isCut ? limit : tokens },
        ])
      }
      expect(since(before)).toEqual({ generations: 0, tokens: 0 })
      const cut = await ask(prompt, { max_tokens: 5, ...form })
      expect(said(cut)).toEqual(said(await uninterrupted(prompt, { max_tokens: 5 })))
    },
    LONG_MS,
  )

  test('what had a limit is not taken for the beginning of what has none', async () => {
    const { prompt, whole } = await aStory()
    expect((await ask(prompt, { max_tokens: 10, ...form })).word).toBe('miss')
    const answer = await ask(prompt, form)
    expect(answer.word).toBe('miss')
    expect(said(answer)).toEqual(said(whole))
    const short = await ask(prompt, { max_tokens: 10, ...form })
    expect([short.word, short.finish, tokensOf(short)]).toEqual(['hit', 'length', 10])
  })

  test('a limit of one grows by one', async () => {
    const prompt = fresh()
    for (let limit = 1; limit <= 12; limit += 1) {
      const before = made()
      const answer = await ask(prompt, { max_tokens: limit, ignore_eos: true, ...form })
      expect([limit, answer.word]).toEqual([limit, limit === 1 ? 'miss' : 'extended'])
      expect(since(before)).toEqual({ generations: 1, tokens: 1 })
      expect(said(answer)).toEqual(said(await uninterrupted(prompt, { max_tokens: limit, ignore_eos: true })))
    }
  })
})

describe('while it is being made', () => {
  const ENDLESS = { ignore_eos: true }

  function both(index: number): object {
    return index % 2 === 0 ? {} : STREAM
  }

  test.each([
    ['the shortest', 10],
    ['the longest', 80],
  ])(
    'after %s all other limits cost one more generation at most, and no token twice',
    async (_name, first) => {
      const prompt = fresh()
      engine().setFaults({ slow_factor: 10 })
      const before = made()
      const beginning = ask(prompt, { max_tokens: first, ...ENDLESS, ...STREAM })
      await expect.poll(() => since(before).tokens, WAIT).toBeGreaterThan(2)
      const limits = Array.from({ length: 15 }, (_, index) => 10 + index * 5)
      const answers = await Promise.all(
        limits.map((limit, index) => ask(prompt, { max_tokens: limit, ...ENDLESS, ...both(index) })),
      )
      answers.push(await beginning)
      const { generations, tokens } = since(before)
      expect(generations).toBe(first === 80 ? 1 : 2)
      expect(tokens).toBe(80)
      engine().clearFaults()
      for (const [index, limit] of [...limits, first].entries()) {
        const answer = answers[index]
        const expected = await uninterrupted(prompt, { max_tokens: limit, ...ENDLESS })
        expect({ limit, ...(answer && (said(answer) as object)) }).toEqual({
          limit,
          ...(said(expected) as object),
        })
        expect(['miss', 'coalesced', 'hit', 'extended']).toContain(answer?.word)
      }
    },
    LONG_MS,
  )

  test('an answer without a limit is cut for all who have one', async () => {
    const { prompt, whole } = await aStory()
    engine().setFaults({ slow_factor: 10 })
    const before = made()
    const beginning = ask(prompt, STREAM)
    await expect.poll(() => since(before).tokens, WAIT).toBeGreaterThan(2)
    const limits = [20, 30, 40, 50]
    const answers = await Promise.all(
      limits.map((limit, index) => ask(prompt, { max_tokens: limit, ...both(index) })),
    )
    expect(said(await beginning)).toEqual(said(whole))
    expect(since(before)).toEqual({ generations: 1, tokens: tokensOf(whole) })
    engine().clearFaults()
    for (const [index, limit] of limits.entries()) {
      const answer = answers[index]
      expect(answer && said(answer)).toEqual(said(await uninterrupted(prompt, { max_tokens: limit })))
    }
  })

  test('one extension serves all who wait for it', async () => {
    const prompt = fresh()
    await ask(prompt, { max_tokens: 10, ...ENDLESS })
    engine().setFaults({ slow_factor: 10 })
    const before = made()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ask(
          prompt,
          { max_tokens: 40, ...ENDLESS, ...both(index) },
          { colo: index % 3 === 0 ? 'AMS' : 'FRA' },
        ),
      ),
    )
    expect(since(before)).toEqual({ generations: 1, tokens: 30 })
    engine().clearFaults()
    const expected = said(await uninterrupted(prompt, { max_tokens: 40, ...ENDLESS }))
    for (const answer of answers) expect(said(answer)).toEqual(expected)
    const words = answers.map(({ word }) => word)
    expect(words).toContain('extended')
    for (const word of words) expect(['extended', 'coalesced', 'hit']).toContain(word)
  })

  test('who leaves ends the extension that was for it alone, and what there is goes on later', async () => {
    const prompt = fresh()
    await ask(prompt, { max_tokens: 10, ...ENDLESS })
    engine().setFaults({ slow_factor: 20 })
    const before = made()
    const leave = new AbortController()
    const messages = [{ role: 'user', content: prompt }]
    const response = await mesh.fetch('FRA', '/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'story',
        messages,
        temperature: 0,
        max_tokens: 400,
        ...ENDLESS,
        ...STREAM,
      }),
      signal: leave.signal,
    })
    expect(response.headers.get('x-mesh-cache')).toBe('extended')
    await expect.poll(() => since(before).tokens, WAIT).toBeGreaterThan(2)
    leave.abort()
    await expect.poll(() => engine().stats().running, WAIT).toBe(0)
    engine().clearFaults()
    const short = await ask(prompt, { max_tokens: 10, ...ENDLESS })
    expect(said(short)).toEqual(said(await uninterrupted(prompt, { max_tokens: 10, ...ENDLESS })))
    const rest = await ask(prompt, { max_tokens: 60, ...ENDLESS })
    expect(['hit', 'extended']).toContain(rest.word)
    expect(said(rest)).toEqual(said(await uninterrupted(prompt, { max_tokens: 60, ...ENDLESS })))
  })
})

describe('an extension that fails', () => {
  const TEN = { max_tokens: 10, ignore_eos: true }
  const FORTY = { max_tokens: 40, ignore_eos: true }

  test.each(FORMS)('by a pool that dies is finished by another, for %s', async (_form, form) => {
    for (const after of [0, 1, 7, 29]) {
      const prompt = fresh()
      await ask(prompt, TEN)
      engine().setFaults({ die_after_tokens: after, times: 1 })
      const answer = await ask(prompt, { ...FORTY, ...form })
      expect([after, answer.word]).toEqual([after, 'extended'])
      expect(said(answer)).toEqual(said(await uninterrupted(prompt, FORTY)))
      expect((await ask(prompt, FORTY)).word).toBe('hit')
    }
  })

  test.each(FORMS)('by two is an error, for %s, and the shorter one is still there', async (_form, form) => {
    const prompt = fresh()
    const ten = await ask(prompt, TEN)
    engine().setFaults({ die_after_tokens: 5 })
    const answer = await ask(prompt, { ...FORTY, ...form })
    expect([answer.error, answer.finish]).toEqual(['stream_truncated', null])
    const before = made()
    const again = await ask(prompt, TEN)
    expect([again.word, said(again)]).toEqual(['hit', said(ten)])
    expect(since(before).generations).toBe(0)

    engine().clearFaults()
    await expect.poll(async () => (await ask(prompt, FORTY)).status, WAIT).toBe(200)
    expect(said(await ask(prompt, FORTY))).toEqual(said(await uninterrupted(prompt, FORTY)))
  })

  test.each(FORMS)('since no pool takes it is an error, for %s, and nothing is lost', async (_form, form) => {
    const prompt = fresh()
    const ten = await ask(prompt, TEN)
    engine().setFaults({ status: 500 })
    const answer = await ask(prompt, { ...FORTY, ...form })
    expect(answer.error).toBeDefined()
    expect(answer.finish).toBeNull()
    const again = await ask(prompt, TEN)
    expect([again.word, said(again)]).toEqual(['hit', said(ten)])

    engine().clearFaults()
    await expect.poll(async () => (await ask(prompt, FORTY)).status, WAIT).toBe(200)
    expect(said(await ask(prompt, FORTY))).toEqual(said(await uninterrupted(prompt, FORTY)))
  })
})

describe('of what a pool cannot go on with', () => {
  const TOOL = {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  }
  const SCHEMA = {
    type: 'json_schema',
    json_schema: { name: 'city', schema: { type: 'object', properties: { city: { type: 'string' } } } },
  }
  const FORCED = { tools: [TOOL], tool_choice: { type: 'function', function: { name: 'weather' } } }

  test.each([
    // It has ended by itself before the first limit.
    ['a tool call', FORCED, ['miss', 'hit', 'miss']],
    ['tools that are not called', { tools: [TOOL], tool_choice: 'none' }, ['miss', 'miss', 'miss']],
    ['a JSON schema', { response_format: SCHEMA }, ['miss', 'miss', 'miss']],
    ['a JSON object', { response_format: { type: 'json_object' } }, ['miss', 'miss', 'miss']],
    ['two choices', { n: 2 }, ['miss', 'miss', 'miss']],
    ['a least number of tokens', { min_tokens: 2 }, ['miss', 'miss', 'miss']],
    ['a presence penalty', { presence_penalty: 0.5 }, ['miss', 'miss', 'miss']],
    // Each token has its own, so that fewer tokens have fewer of them.
    ['log probabilities', { logprobs: true, top_logprobs: 2 }, ['miss', 'miss', 'hit']],
  ])('%s nothing is extended, and only what can be is cut', async (_name, body, expected) => {
    const prompt = fresh()
    const words: unknown[] = []
    for (const limit of [4, 8, 2]) {
      const fields = { max_tokens: limit, ...body }
      const [answer, whole] = [await choicesOf(prompt, fields, 'on'), await choicesOf(prompt, fields, 'off')]
      words.push(answer.word)
      expect(answer.choices).toEqual(whole.choices)
    }
    expect(words).toEqual(expected)
  })

  async function choicesOf(prompt: string, body: object, cache: string) {
    const response = await mesh.fetch('FRA', '/v1/chat/completions', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${KEYS.demo}`,
        'content-type': 'application/json',
        'x-mesh-cache': cache,
      },
      body: JSON.stringify({
        model: 'story',
        messages: [{ role: 'user', content: prompt }],
        temperature: 0,
        ...body,
      }),
    })
    expect(response.status).toBe(200)
    const { choices } = (await response.json()) as { choices: readonly object[] }
    // A call's id is made up by the pool, another one each time; and an end that a limit made has no stop that did.
    const text = JSON.stringify(choices)
      .replaceAll(/"(chatcmpl-tool|call)[-_\w]+"/g, '"id"')
      .replaceAll(',"stop_reason":null', '')
    return { word: response.headers.get('x-mesh-cache'), choices: JSON.parse(text) as unknown }
  }
})

describe('a stop sequence', () => {
  /** What stands on both sides of the end of the first `tokens` tokens. */
  async function across(prompt: string, tokens: number): Promise<string> {
    const short = await uninterrupted(prompt, { max_tokens: tokens, ignore_eos: true })
    const long = await uninterrupted(prompt, { max_tokens: tokens + 20, ignore_eos: true })
    const at = short.text.length
    return long.text.slice(at - 2, at + 3)
  }

  // One engine alone finds it: of what another wrote it knows nothing.
  test.each(FORMS)(
    'across the end of a shorter answer is found in a longer one, for %s',
    async (_form, form) => {
      for (const tokens of [8, 9, 10, 11, 12]) {
        const prompt = fresh()
        const body = { ignore_eos: true, stop: [await across(prompt, tokens)] }
        const short = await ask(prompt, { ...body, max_tokens: tokens, ...form })
        const long = await ask(prompt, { ...body, max_tokens: 40, ...form })
        const expected = await uninterrupted(prompt, { ...body, max_tokens: 40 })
        expect([tokens, short.word, long.word, said(long)]).toEqual([tokens, 'miss', 'miss', said(expected)])
      }
    },
  )

  test.each(FORMS)(
    'is not looked for in halves: a pool that dies is an error, for %s',
    async (_form, form) => {
      const prompt = fresh()
      const body = { ignore_eos: true, stop: [await across(prompt, 12)], max_tokens: 40 }
      engine().setFaults({ die_after_tokens: 11, times: 1 })
      const answer = await ask(prompt, { ...body, ...form })
      expect([answer.error, answer.finish]).toEqual(['stream_truncated', null])
      await expect.poll(async () => (await ask(prompt, body)).status, WAIT).toBe(200)
      expect(said(await ask(prompt, body))).toEqual(said(await uninterrupted(prompt, body)))
    },
  )
})

describe('a tenant', () => {
  const STORY = { max_tokens: 30, ignore_eos: true }

  test('that takes nothing stitched has what two pools made made again by one', async () => {
    for (const [name, expected] of [
      ['unstitched', ['miss', 'miss', 'hit']],
      ['demo', ['miss', 'hit', 'hit']],
    ] as const) {
      const key = { ...KEYS, ...MORE_KEYS }[name]
      const prompt = fresh()
      const answers: Answer[] = []
      engine().setFaults({ die_after_tokens: 9, times: 1 })
      for (let number = 0; number < 3; number += 1) answers.push(await ask(prompt, STORY, { key }))
      expect([name, answers.map(({ word }) => word)]).toEqual([name, expected])
      const whole = said(await uninterrupted(prompt, STORY))
      for (const answer of answers) expect(said(answer)).toEqual(whole)
      const status = answers.at(-1)?.headers.get('cache-status')
      expect(status?.includes('detail=stitched')).toBe(name === 'demo')
    }
  })

  test('that wants no answer continued gets none: a death is an error, a longer answer a new one', async () => {
    const key = MORE_KEYS.never
    const prompt = fresh()
    const words: unknown[] = []
    for (const limit of [10, 20, 5]) {
      const before = made()
      const answer = await ask(prompt, { ...STORY, max_tokens: limit }, { key })
      words.push([answer.word, since(before).tokens])
      expect(said(answer)).toEqual(said(await uninterrupted(prompt, { ...STORY, max_tokens: limit })))
    }
    expect(words).toEqual([
      ['miss', 10],
      ['miss', 20],
      ['hit', 0],
    ])
    engine().setFaults({ die_after_tokens: 9, times: 1 })
    const cut = await ask(fresh(), { ...STORY, ...STREAM }, { key })
    expect([cut.error, cut.finish]).toEqual(['stream_truncated', null])
  })

  test('that wants all continued has a sampled answer go on, and only that one', async () => {
    for (const [key, expected] of [
      [MORE_KEYS.always, 'extended'],
      [MORE_KEYS.sampled, 'miss'],
    ] as const) {
      const prompt = fresh()
      const sampled = { ...STORY, temperature: 1 }
      const ten = await ask(prompt, { ...sampled, max_tokens: 10 }, { key })
      const before = made()
      const thirty = await ask(prompt, sampled, { key })
      expect([ten.word, thirty.word]).toEqual(['miss', expected])
      expect(since(before).tokens).toBe(expected === 'extended' ? 20 : 30)
      if (expected === 'extended') expect(thirty.text.startsWith(ten.text)).toBe(true)
      expect(tokensOf(thirty)).toBe(30)
    }
  })
})
