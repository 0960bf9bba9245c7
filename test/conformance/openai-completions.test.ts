/** The older completions as the real `openai` package asks for them and reads them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anew, collect } from './ask.ts'
import { openAi, openTarget, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

const completions = () => openAi(target).completions

function bodyOf(prompt = anew('Once upon a time')) {
  return { model: target.model, prompt, max_tokens: 20, temperature: 0 }
}

test('a completion has the text, the reason it ended and the counts', async () => {
  const answer = await completions().create({ ...bodyOf(), max_tokens: 6 })
  expect(answer).toMatchObject({
    id: expect.stringMatching(/^cmpl-[0-9a-f]{24}$/),
    object: 'text_completion',
    model: target.model,
    choices: [{ index: 0, finish_reason: 'length', text: expect.stringMatching(/\w/) }],
    usage: { completion_tokens: 6 },
    _request_id: expect.stringMatching(/^req_/),
  })
})

test.each(['shared', 'private'])('a %s completion is the same text streamed or not', async (kind) => {
  const options = { headers: kind === 'private' ? { 'x-mesh-cache': 'off' } : {} }
  const body = { ...bodyOf(), max_tokens: 300 }
  const chunks = await collect(await completions().create({ ...body, stream: true }, options))
  const whole = await completions().create(body, options)
  expect(whole.choices[0]?.text.length).toBeGreaterThan(100)
  expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe(whole.choices[0]?.text)
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  expect(new Set(chunks.map(({ object }) => object))).toEqual(new Set(['text_completion']))
  expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(whole.choices[0]?.finish_reason)
  expect(chunks.filter((chunk) => 'usage' in chunk)).toEqual([])
})

test('include_usage gives the counts in one last chunk without choices', async () => {
  const chunks = await collect(
    await completions().create({ ...bodyOf(), stream: true, stream_options: { include_usage: true } }),
  )
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 20 } })
  expect(chunks.filter(({ choices }) => choices.length === 0)).toHaveLength(1)
  expect(new Set(chunks.slice(0, -1).map(({ usage }) => usage))).toEqual(new Set([null]))
})

test('a list of one prompt is that prompt; a list of several is refused and not half answered', async () => {
  const body = bodyOf()
  const one = await completions().create(body)
  const listed = await completions().create({ ...body, prompt: [body.prompt] })
  expect(listed.choices[0]?.text).toBe(one.choices[0]?.text)
  await expect(completions().create({ ...body, prompt: ['One', 'Two'] })).rejects.toMatchObject({
    status: 400,
    code: 'invalid_parameter',
    param: 'prompt',
  })
})
