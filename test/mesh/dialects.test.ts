/** Whatever dialect a pool speaks, clients get OpenAI's: the same text, calls, counts and errors, streamed or not. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAnswer } from '../support/answer.ts'
import { chat } from '../support/chat.ts'
import {
  BREAKS,
  CALLS,
  COMPLETIONS,
  FULL,
  REFUSALS,
  TEXTS,
  type Recorded,
} from '../support/dialect-answers.ts'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type TestMesh } from '../support/mesh.ts'
import { startScriptedPools, type Script, type ScriptedPools } from '../support/scripted-pool.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/pools')

const POOLS: readonly Recorded[] = [
  ...[...TEXTS, ...CALLS, ...COMPLETIONS, ...BREAKS].map(([dialect, fixture]) => ({ dialect, fixture })),
  ...REFUSALS.map(([recorded]) => recorded),
]
let mesh: TestMesh
let pools: ScriptedPools
/** What the last call to a pool was like. */
const calls = new Map<string, { path: string; headers: NodeJS.Dict<string | string[]> }>()

beforeAll(async () => {
  pools = await startScriptedPools(
    Object.fromEntries(POOLS.map((recorded) => [recorded.fixture, answerWith(recorded)])),
  )
  mesh = await startMesh({ colos: ['FRA'], distances: false, config: configOf })
})
afterAll(async () => {
  await mesh.stop()
  await pools.stop()
})

function answerWith({ fixture, status = 200, headers = {} }: Recorded): Script {
  const extension = status === 200 ? 'sse' : 'json'
  const type = status === 200 ? 'text/event-stream' : 'application/json'
  const bytes = readFileSync(join(FIXTURES, `${fixture}.${extension}`))
  return (response, request) => {
    calls.set(fixture, { path: request.url ?? '', headers: request.headers })
    response.writeHead(status, { 'content-type': type, ...headers }).end(bytes)
  }
}

function configOf(urls: Readonly<Record<string, string>>) {
  const scripted = (id: string, { dialect, fixture }: Recorded) => ({
    id,
    region: 'eu-central',
    dialect,
    url: `${pools.url(fixture)}${dialect === 'azure' ? '' : '/v1'}`,
    ...(dialect === 'azure' ? { api_version: '2024-10-21' } : {}),
    models: [{ model: id, served: 'served-name' }],
    shared_prefix: true,
  })
  const well = {
    id: 'us-east',
    region: 'us-east',
    dialect: 'vllm',
    url: `${urls['us-east']}/v1`,
    models: FULL.map(({ fixture }) => ({ model: `guarded-${fixture}`, served: 'story-8b' })),
  }
  const own = [
    ...POOLS.map((recorded) => scripted(recorded.fixture, recorded)),
    ...FULL.map((recorded) => scripted(`guarded-${recorded.fixture}`, recorded)),
    scripted('patient', { dialect: 'azure', fixture: 'azure-error-429' }),
  ]
  return aMeshConfig(urls, {
    pools: [...own, well],
    models: own.map(({ id }) => ({ id, context_length: 32_768 })),
  })
}

function ask(model: string, body: Readonly<Record<string, unknown>> = {}): Promise<Response> {
  return chat(mesh, 'FRA', 'Say hello.', { body: { model, ...body } })
}

function complete(model: string, body: Readonly<Record<string, unknown>> = {}): Promise<Response> {
  return mesh.fetch('FRA', '/v1/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, prompt: 'Once', ...body }),
  })
}

const STREAM = { stream: true, stream_options: { include_usage: true } }
const WAYS = [
  ['JSON, for itself', {}],
  ['a stream, for itself', STREAM],
  ['JSON, from a log', { temperature: 0 }],
  ['a stream, from a log', { temperature: 0, ...STREAM }],
] as const

describe.each(TEXTS)('%s, as in %s,', (_dialect, fixture, text, [prompt, completion, cached]) => {
  test.each(WAYS)('is OpenAI’s text and counts as %s', async (_way, body) => {
    const answer = await readAnswer(await ask(fixture, body))
    expect(answer).toMatchObject({ status: 200, text, finish: 'stop', error: undefined })
    expect(answer.usage).toMatchObject({
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
    })
    const { prompt_tokens_details: details } = answer.usage as {
      prompt_tokens_details?: { cached_tokens: number } | null
    }
    expect(details?.cached_tokens).toBe(cached)
  })
})

describe.each(CALLS)('%s, as in %s,', (_dialect, fixture, finish, expected) => {
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }]

  test.each([
    ['JSON', {}],
    ['a stream', STREAM],
  ])('is OpenAI’s tool calls as %s', async (_way, body) => {
    const response = await ask(fixture, { tools, ...body })
    expect(response.status).toBe(200)
    const made = 'stream' in body ? callsOfStream(await response.text()) : callsOf(await response.json())
    expect(made).toEqual({ finish, calls: expected })
  })
})

describe.each(COMPLETIONS)('%s, as in %s,', (_dialect, fixture, text, finish) => {
  test.each([
    ['JSON', {}],
    ['a stream', { stream: true }],
  ])('is OpenAI’s completions as %s', async (_way, body) => {
    const response = await complete(fixture, body)
    expect(response.status).toBe(200)
    const parts = 'stream' in body ? partsOf(await response.text()) : [await response.json()]
    const choices = (parts as { choices: { text: string; finish_reason: string | null }[] }[]).flatMap(
      (part) => part.choices,
    )
    expect(choices.map((choice) => choice.text).join('')).toBe(text)
    expect(choices.at(-1)?.finish_reason).toBe(finish)
    expect(choices.map((choice) => choice.finish_reason)).not.toContain('')
  })
})

test('what speaks no completions is not asked for any', async () => {
  const response = await complete('anthropic-chat-text')
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { code: 'unsupported_parameter' } })
})

test('a field that no pool of the model has a form for is refused by its name', async () => {
  const response = await ask('anthropic-chat-text', { seed: 7 })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { code: 'unsupported_parameter', param: 'seed' } })
})

describe('a call', () => {
  test('to azure is made at the deployment’s path, under the version of the config', async () => {
    await readAnswer(await ask('azure-chat-filtered'))
    expect(calls.get('azure-chat-filtered')?.path).toBe(
      '/azure-chat-filtered/openai/deployments/served-name/chat/completions?api-version=2024-10-21',
    )
  })

  test('to anthropic is made at its path, with its version', async () => {
    await readAnswer(await ask('anthropic-chat-text'))
    const call = calls.get('anthropic-chat-text')
    expect(call?.path).toBe('/anthropic-chat-text/v1/messages')
    expect(call?.headers).toMatchObject({
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
      accept: 'text/event-stream',
    })
  })
})

describe('before the first token', () => {
  const rows = REFUSALS.map(([recorded, wire]) => [recorded.fixture, wire] as const)

  test.each(rows)('%s is %j, streamed or not', async (fixture, [status, code]) => {
    for (const body of [{}, { stream: true }]) {
      const response = await ask(fixture, body)
      const { error } = (await response.json()) as { error: { code: string; message: string } }
      expect([response.status, error.code]).toEqual([status, code])
      // No word of the pool's.
      expect(error.message).not.toMatch(/72417|9001|208310|credit|filtered|Overloaded|queue|deployment/)
    }
  })

  test('a wait that a pool asks for is passed on', async () => {
    const response = await ask('patient')
    await response.text()
    expect(response.headers.get('retry-after')).toBe('7')
  })

  test.each(FULL)(
    'a pool of $dialect that says in its 200 that it is full is followed by the next one',
    async ({ fixture }) => {
      // The two are as near: which one is asked first is left to chance.
      const attempts: unknown[] = []
      for (let tries = 0; tries < 40 && !attempts.includes('2'); tries += 1) {
        const response = await ask(`guarded-${fixture}`, { max_tokens: 3 })
        await response.text()
        expect(response.status).toBe(200)
        expect(response.headers.get('x-mesh-pool')).toBe('us-east')
        attempts.push(response.headers.get('x-mesh-attempts'))
      }
      expect(attempts).toContain('2')
    },
  )
})

describe('after the first token', () => {
  test.each(BREAKS)(
    '%s, as in %s, is told in the stream, never as a clean end',
    async (_dialect, fixture, text, code) => {
      const answer = await readAnswer(await ask(fixture, { stream: true }))
      expect(answer).toMatchObject({ status: 200, text, finish: null, error: code })
    },
  )
})

interface Call {
  readonly index?: number
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null }
}

function callsOf(body: unknown) {
  const { choices } = body as { choices: { finish_reason: string; message: { tool_calls: Call[] } }[] }
  const [choice] = choices
  return { finish: choice?.finish_reason, calls: (choice?.message.tool_calls ?? []).map(named) }
}

/** Put together as SDKs do: by index, the name as first given, the arguments joined. */
function callsOfStream(sse: string) {
  const made: Call[] = []
  let finish: string | null = null
  for (const part of partsOf(sse) as {
    choices: { finish_reason: string | null; delta: { tool_calls?: Call[] } }[]
  }[]) {
    for (const { delta, finish_reason: reason } of part.choices) {
      finish = reason ?? finish
      for (const { index = -1, function: call } of delta.tool_calls ?? []) {
        const before = made[index]?.function
        made[index] = {
          function: {
            name: before?.name ?? call?.name ?? null,
            arguments: `${before?.arguments ?? ''}${call?.arguments ?? ''}`,
          },
        }
      }
    }
  }
  return { finish, calls: made.map(named) }
}

function named({ function: call }: Call): unknown[] {
  return [call?.name, JSON.parse(call?.arguments ?? '')]
}

function partsOf(sse: string): unknown[] {
  return sse
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)))
}
