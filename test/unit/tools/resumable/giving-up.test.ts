import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { resumable, type Resume } from '../../../../tools/resumable/resumable.ts'
import { aStream, bodyOf, LOST, MESH, RUN_URL, scriptedFetch, STREAMED, type Call } from './scripted-fetch.ts'

const AT_ONCE = { backoffMs: [0] }
const FIRST = ['data: 1\n\n', 'data: 2\n\ndata: hal']
const REST = ['data: 3\n\n', 'data: [DONE]\n\n']
const WHOLE = 'data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n'
const OFFLINE = new TypeError('fetch failed')

async function read(response: Response): Promise<{ text: string; error: unknown }> {
  let text = ''
  try {
    for await (const chunk of response.body ?? []) text += new TextDecoder().decode(chunk)
    return { text, error: undefined }
  } catch (error) {
    return { text, error }
  }
}

function urlsOf(calls: readonly Call[]): string[] {
  return calls.map(({ url }) => url)
}

function refusal(status: number, headers: Record<string, string> = {}): Response {
  return new Response(status === 204 || status === 304 ? null : '{}', { status, headers })
}

test('what goes wrong on the way back is tried again, and heard of', async () => {
  const script = scriptedFetch(aStream(FIRST, LOST), OFFLINE, refusal(500), aStream(REST))
  const resumes: Resume[] = []
  const onResume = (resume: Resume) => resumes.push(resume)
  const ask = resumable({ fetch: script.fetch, ...AT_ONCE, onResume })
  expect(await read(await ask(`${MESH}/chat/completions`, STREAMED))).toEqual({
    text: WHOLE,
    error: undefined,
  })
  const url = `${RUN_URL}?from=2`
  expect(urlsOf(script.calls)).toEqual([`${MESH}/chat/completions`, url, url, url])
  expect(resumes).toEqual(
    [1, 2, 3].map((attempt) => ({ run: 'run_1', from: 2, attempt, cause: expect.any(TypeError) })),
  )
  expect(resumes[0]?.cause).toBe(LOST)
})

test.each([408, 429, 500, 502, 503, 529])('a %i on the way back is tried again', async (status) => {
  const script = scriptedFetch(aStream(FIRST, LOST), refusal(status), aStream(REST))
  const ask = resumable({ fetch: script.fetch, ...AT_ONCE })
  expect((await read(await ask(`${MESH}/completions`, STREAMED))).text).toBe(WHOLE)
})

test.each([
  ['a 404', refusal(404)],
  ['a 400', refusal(400)],
  ['a 401', refusal(401)],
  ['a 403', refusal(403)],
  ['a 410', refusal(410)],
  ['a redirect', refusal(302)],
  ['an empty answer', refusal(204)],
  ['an answer that is no stream', refusal(200, { 'content-type': 'application/json' })],
])('%s on the way back is the end: what had broken the stream surfaces', async (_, answer) => {
  const script = scriptedFetch(aStream(FIRST, LOST), answer)
  const ask = resumable({ fetch: script.fetch, ...AT_ONCE })
  const { text, error } = await read(await ask(`${MESH}/completions`, STREAMED))
  expect(text).toBe('data: 1\n\ndata: 2\n\n')
  expect(error).toBe(LOST)
  expect(script.calls).toHaveLength(2)
})

test('a stream that ends without [DONE] and cannot be resumed is no whole answer', async () => {
  const script = scriptedFetch(aStream(FIRST), refusal(404))
  const ask = resumable({ fetch: script.fetch, ...AT_ONCE })
  const { text, error } = await read(await ask(`${MESH}/completions`, STREAMED))
  expect(text).toBe('data: 1\n\ndata: 2\n\n')
  expect(error).toEqual(new Error('The stream ended before [DONE].'))
})

test('attempts that bring nothing end after maxResumes', async () => {
  const script = scriptedFetch(aStream(FIRST, LOST), OFFLINE, refusal(503), aStream([': hi\n\n'], OFFLINE))
  const ask = resumable({ fetch: script.fetch, ...AT_ONCE, maxResumes: 3 })
  expect((await read(await ask(`${MESH}/completions`, STREAMED))).error).toBe(OFFLINE)
  expect(script.calls).toHaveLength(4)
  expect(urlsOf(script.left)).toEqual([RUN_URL])
})

test('an event in between makes the count begin anew', async () => {
  const script = scriptedFetch(
    aStream(FIRST, LOST),
    OFFLINE,
    aStream(['data: 3\n\n'], LOST),
    OFFLINE,
    aStream(['data: [DONE]\n\n']),
  )
  const ask = resumable({ fetch: script.fetch, ...AT_ONCE, maxResumes: 2 })
  expect(await read(await ask(`${MESH}/completions`, STREAMED))).toEqual({ text: WHOLE, error: undefined })
  const froms = urlsOf(script.calls).map((url) => new URL(url).searchParams.get('from'))
  expect(froms).toEqual([null, '2', '2', '3', '3'])
})

test('maxResumes 0 resumes nothing', async () => {
  const script = scriptedFetch(aStream(FIRST, LOST))
  const ask = resumable({ fetch: script.fetch, maxResumes: 0 })
  expect((await read(await ask(`${MESH}/completions`, STREAMED))).error).toBe(LOST)
  expect(script.calls).toHaveLength(1)
})

test('an error of onResume is the stream’s', async () => {
  const script = scriptedFetch(aStream(FIRST, LOST))
  const refused = new Error('not over mobile data')
  const onResume = () => {
    throw refused
  }
  const ask = resumable({ fetch: script.fetch, ...AT_ONCE, onResume })
  expect((await read(await ask(`${MESH}/completions`, STREAMED))).error).toBe(refused)
})

describe('a stream that is over', () => {
  test.each([
    ['that is lost after [DONE]', ['data: 1\n\n', 'data: [DONE]\n\n'], LOST],
    ['whose last bytes are half an event', ['data: [DONE]\n\n: bye'], 'closes'],
    [
      'that told of an error in-band',
      ['data: {"error":{"code":"stream_truncated"}}\n\n', 'data: [DONE]\n\n'],
      LOST,
    ],
  ] as const)('%s is not resumed', async (_, chunks, ending) => {
    const script = scriptedFetch(aStream(chunks, ending))
    const ask = resumable({ fetch: script.fetch, ...AT_ONCE })
    const { text, error } = await read(await ask(`${MESH}/completions`, STREAMED))
    expect(error).toBeUndefined()
    expect(text).toBe(chunks.join('').replace(': bye', ''))
    expect([script.calls.length, script.left.length]).toEqual([1, 0])
  })
})

describe('an event without end', () => {
  const MIB = 1024 * 1024

  test('of 1 MiB is still waited for', async () => {
    const event = `data: ${'a'.repeat(MIB - 6)}`
    const script = scriptedFetch(aStream([event, '\n\ndata: [DONE]\n\n']))
    const { text, error } = await read(
      await resumable({ fetch: script.fetch })(`${MESH}/completions`, STREAMED),
    )
    expect(error).toBeUndefined()
    expect(text.length).toBe(MIB + '\n\ndata: [DONE]\n\n'.length)
  })

  test('of more is not: the events before it come, then an error, and the run is let go of', async () => {
    const body = bodyOf(['data: 1\n\n', `data: 2\n\ndata: ${'a'.repeat(MIB - 5)}`, 'a'], 'hangs')
    const { headers } = aStream([])
    const script = scriptedFetch(new Response(body, { headers }))
    const { text, error } = await read(
      await resumable({ fetch: script.fetch })(`${MESH}/completions`, STREAMED),
    )
    expect(text).toBe('data: 1\n\ndata: 2\n\n')
    expect(error).toEqual(new Error('An event is longer than 1 MiB.'))
    expect([script.calls.length, urlsOf(script.left)]).toEqual([1, [RUN_URL]])
  })
})

describe('waiting', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** The waits before the attempts of a row, in milliseconds. */
  async function waitsOf(
    answers: readonly (Response | Error)[],
    options: Parameters<typeof resumable>[0],
  ): Promise<number[]> {
    const script = scriptedFetch(aStream(FIRST, LOST), ...answers)
    const waits: number[] = []
    let sinceMs = Date.now()
    const onResume = () => {
      waits.push(Date.now() - sinceMs)
      sinceMs = Date.now()
    }
    const response = await resumable({ fetch: script.fetch, onResume, ...options })(
      `${MESH}/completions`,
      STREAMED,
    )
    const reading = read(response)
    await vi.runAllTimersAsync()
    await reading
    return waits
  }

  test('grows from 100 ms to 4 s', async () => {
    const answers = Array<Error>(7).fill(OFFLINE)
    expect(await waitsOf(answers, { jitter: false, maxResumes: 7 })).toEqual([
      100, 500, 1000, 2000, 4000, 4000, 4000,
    ])
  })

  test('is drawn from between nothing and that', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValueOnce(0).mockReturnValue(0.5)
    expect(await waitsOf(Array<Error>(5).fill(OFFLINE), {})).toEqual([0, 250, 500, 1000, 2000])
    random.mockRestore()
  })

  test('is at least what the mesh asks for, up to a minute', async () => {
    const answers = [
      refusal(429, { 'retry-after': '3' }),
      OFFLINE,
      refusal(503, { 'retry-after': '3600' }),
      refusal(503, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }),
    ]
    expect(await waitsOf(answers, { backoffMs: [10], jitter: false })).toEqual([10, 3000, 3000, 60_000, 10])
  })
})
