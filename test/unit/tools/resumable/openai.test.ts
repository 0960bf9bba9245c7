/** The real client, unmodified but for its `fetch`, over real sockets. */
import OpenAI, { APIError } from 'openai'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { resumable } from '../../../../tools/resumable/resumable.ts'
import { RUN, startRunServer, type Deal, type RunServer } from './run-server.ts'

const WORDS = ['Once ', 'upon ', 'a ', 'time, ', 'naïve ', '網 ', '🕸️ ', 'and ', 'so ', 'on.']
const TEXT = WORDS.join('')
const DONE = 'data: [DONE]\n\n'
const CHAT = [
  ': keep-alive\n\n',
  ...[{ role: 'assistant', content: '' }, ...WORDS.map((content) => ({ content })), {}].map((delta, index) =>
    event({ id: 'chatcmpl-1', choices: [{ index: 0, delta, finish_reason: finishOf(index) }] }),
  ),
  event({ id: 'chatcmpl-1', choices: [], usage: { total_tokens: 12 } }),
  DONE,
]
const ASKED = { model: 'story', messages: [{ role: 'user' as const, content: 'Tell me a story' }] }

let server: RunServer
beforeAll(async () => {
  server = await startRunServer()
})
afterAll(() => server.stop())

function client(): OpenAI {
  const fetch = resumable({ backoffMs: [0] })
  return new OpenAI({ baseURL: server.url, apiKey: 'key', maxRetries: 0, fetch })
}

function event(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}

function finishOf(index: number): string | null {
  return index > WORDS.length ? 'stop' : null
}

/** Every connection ends behind its k-th block. */
function dropEvery(blocks: readonly string[], k: number, cut: Deal['cut'] = 'destroyed'): Deal[] {
  const starts = blocks.map((_, index) => index).filter((index) => index % k === 0)
  return starts.map((start) => ({
    bytes: Buffer.byteLength(blocks.slice(start, start + k).join('')),
    ...(cut === undefined ? {} : { cut }),
  }))
}

async function textOf(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let text = ''
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  return text
}

describe.each(['destroyed', 'ended'] as const)('a stream whose connections are %s', (cut) => {
  test.each([1, 2, 3, 4, 5, 7, 10])('behind every %i events has the whole text', async (k) => {
    const withoutComment = CHAT.slice(1)
    server.play(withoutComment, dropEvery(withoutComment, k, cut))
    const stream = await client().chat.completions.create({ ...ASKED, stream: true })
    expect(await textOf(stream)).toBe(TEXT)
    const connections = Math.ceil(withoutComment.length / k)
    expect(server.asked.map(({ method }) => method)).toEqual([
      'POST',
      ...Array<string>(connections - 1).fill('GET'),
    ])
  })
})

test('the client’s own gathering of a stream has everything once', async () => {
  server.play(CHAT, dropEvery(CHAT, 3))
  const whole = await client().chat.completions.stream(ASKED).finalChatCompletion()
  expect(whole).toMatchObject({
    id: 'chatcmpl-1',
    choices: [{ message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
    usage: { total_tokens: 12 },
  })
})

test('the older completions resume too', async () => {
  const blocks = [...WORDS.map((text) => event({ choices: [{ index: 0, text }] })), DONE]
  server.play(blocks, dropEvery(blocks, 2))
  let text = ''
  for await (const chunk of await client().completions.create({
    model: 'story',
    prompt: 'a',
    stream: true,
  })) {
    text += chunk.choices[0]?.text ?? ''
  }
  expect(text).toBe(TEXT)
})

test('the client sees the headers and its request id', async () => {
  server.play(CHAT)
  const { data, response, request_id } = await client()
    .chat.completions.create({ ...ASKED, stream: true })
    .withResponse()
  expect(request_id).toBe('req_1')
  expect(response.headers.get('x-mesh-run')).toBe(RUN)
  expect(response.url).toBe(`${server.url}/chat/completions`)
  expect(await textOf(data)).toBe(TEXT)
})

test('a run that has expired is an error, after the text there was', async () => {
  server.play(CHAT, [{ bytes: Buffer.byteLength(CHAT.slice(0, 5).join('')), cut: 'ended' }, { status: 404 }])
  const seen: string[] = []
  const reading = async () => {
    for await (const { choices } of await client().chat.completions.create({ ...ASKED, stream: true })) {
      seen.push(choices[0]?.delta.content ?? '')
    }
  }
  await expect(reading()).rejects.toThrow('The stream ended before [DONE].')
  expect(seen.join('')).toBe('Once upon a ')
})

test('an error in the stream is the client’s error, and is not resumed', async () => {
  const error = {
    message: 'The stream was cut.',
    type: 'server_error',
    param: null,
    code: 'stream_truncated',
  }
  server.play([...CHAT.slice(0, 5), event({ error }), DONE])
  const reading = client()
    .chat.completions.create({ ...ASKED, stream: true })
    .then(textOf)
    .catch((reason: unknown) => reason)
  const failure = await reading
  expect(failure).toBeInstanceOf(APIError)
  expect(failure).toMatchObject({ code: 'stream_truncated', type: 'server_error' })
  expect(server.asked.filter(({ method }) => method === 'GET')).toEqual([])
})

test.each(['break', 'abort', 'break after a drop', 'abort after a drop'])(
  '%s lets go of the run, once',
  async (how) => {
    const half = Buffer.byteLength(CHAT.slice(0, 5).join(''))
    const held: Deal = { bytes: half, cut: 'held' }
    server.play(CHAT, how.endsWith('drop') ? [{ bytes: half, cut: 'destroyed' }, held] : [held])
    const stream = await client().chat.completions.create({ ...ASKED, stream: true })
    const last = how.endsWith('drop') ? 'naïve ' : 'a '
    for await (const { choices } of stream) {
      if (choices[0]?.delta.content !== last) continue
      if (how.startsWith('break')) break
      stream.controller.abort()
    }
    const lettingGo = () => server.asked.filter(({ method }) => method === 'DELETE')
    await vi.waitFor(() => expect(lettingGo()).toHaveLength(1))
    expect(lettingGo()[0]).toMatchObject({
      path: `/v1/generations/${RUN}`,
      headers: { authorization: 'Bearer key' },
    })
  },
)

test('an abort by the caller’s own signal ends the stream and lets go of the run', async () => {
  server.play(CHAT, [{ bytes: 0, cut: 'held' }])
  const controller = new AbortController()
  const options = { signal: controller.signal }
  const stream = await client().chat.completions.create({ ...ASKED, stream: true }, options)
  const reading = textOf(stream)
  controller.abort()
  // The client ends a stream that was left without an error.
  expect(await reading).toBe('')
  await vi.waitFor(() => expect(server.asked.map(({ method }) => method)).toEqual(['POST', 'DELETE']))
})

test('what is not streamed is as without it', async () => {
  server.play([], [{ status: 503 }])
  const failure: unknown = await client()
    .chat.completions.create(ASKED)
    .catch((reason: unknown) => reason)
  expect(failure).toMatchObject({ status: 503 })
  expect(server.asked[0]?.headers).not.toHaveProperty('x-mesh-resumable')
})
