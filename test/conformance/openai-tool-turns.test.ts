/** Tool calls that the real `openai` package runs by itself, and the turns that follow them. */
import { zodFunction } from 'openai/helpers/zod'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anew } from './ask.ts'
import { openAi, openTarget, type Target } from './target.ts'
import { ASKING, CALL_WEATHER, calling, Place } from './weather.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.stop())

test('the stream helper tells of the arguments as they grow and gives the call at the end', async () => {
  const runner = openAi(target).chat.completions.stream({
    model: target.model,
    messages: [{ role: 'user', content: anew('Weather?') }],
    temperature: 0,
    tools: [zodFunction({ name: 'get_weather', parameters: Place })],
    tool_choice: CALL_WEATHER,
  })
  let deltas = ''
  const done: unknown[] = []
  runner.on('tool_calls.function.arguments.delta', ({ arguments_delta: delta }) => {
    deltas += delta
  })
  runner.on('tool_calls.function.arguments.done', (event) => done.push(event))
  const message = await runner.finalMessage()
  const call = message.tool_calls?.[0]
  expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather', arguments: deltas } })
  const place = Place.parse(JSON.parse(deltas))
  expect(call).toMatchObject({ function: { parsed_arguments: place } })
  expect(done).toEqual([{ name: 'get_weather', index: 0, arguments: deltas, parsed_arguments: place }])
})

test('the answer to a tool’s result is text, and the call goes back just as it came', async () => {
  const completions = openAi(target).chat.completions
  const asked = calling(target, { content: anew(ASKING), tool_choice: 'auto' })
  const { choices } = await completions.create(asked)
  const [choice] = choices
  if (choice === undefined) throw new Error('an answer without a choice')
  const ask = async (content: string) => {
    const result = { role: 'tool' as const, tool_call_id: choice.message.tool_calls?.[0]?.id ?? '', content }
    const messages = [...asked.messages, choice.message, result]
    return completions.create({ ...asked, messages, max_tokens: 12 }).withResponse()
  }
  const rain = await ask('{"rain": true}')
  expect(rain.data.choices).toMatchObject([
    { finish_reason: 'length', message: { content: expect.stringMatching(/\w/) } },
  ])
  expect(rain.data.choices[0]?.message).not.toHaveProperty('tool_calls')
  const again = await ask('{"rain": true}')
  expect(again.response.headers.get('x-mesh-cache')).toBe('hit')
  expect(again.data.choices).toEqual(rain.data.choices)
  const sun = await ask('{"rain": false}')
  expect(sun.response.headers.get('x-mesh-cache')).toBe('miss')
})

test.each([false, true])(
  'runTools calls the function and comes back with text (stream: %s)',
  async (stream) => {
    const called: unknown[] = []
    const forecast = zodFunction({
      name: 'get_weather',
      parameters: Place,
      function: (place) => {
        called.push(place)
        return { rain: true }
      },
    })
    const body = {
      model: target.model,
      messages: [{ role: 'user' as const, content: anew(ASKING) }],
      temperature: 0,
      tools: [forecast],
    }
    const completions = openAi(target).chat.completions
    const runner = stream ? completions.runTools({ ...body, stream: true }) : completions.runTools(body)
    expect(await runner.finalContent()).toMatch(/\w/)
    expect(called).toHaveLength(1)
    expect(Place.safeParse(called[0]).error).toBeUndefined()
    expect(runner.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
    expect(await runner.finalFunctionToolCallResult()).toBe('{"rain":true}')
  },
)
