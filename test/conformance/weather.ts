/** A tool that forecasts the weather, and questions that call it. */
import { z } from 'zod'
import { anew, question, type Fields } from './ask.ts'
import type { Target } from './target.ts'

export const Place = z.strictObject({ city: z.string().max(40), days: z.int().min(1).max(14) })

export const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The forecast for a city.',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string', maxLength: 40 },
        days: { type: 'integer', minimum: 1, maximum: 14 },
      },
      required: ['city', 'days'],
      additionalProperties: false,
    },
  },
} as const

/** Offered beside it, and never called. */
export const TIME = {
  type: 'function',
  function: { name: 'get_time', parameters: { type: 'object', properties: {} } },
} as const

export const CALL_WEATHER = { type: 'function', function: { name: 'get_weather' } } as const

/** Makes a model call a tool of its own will: it reads the sentence, the simulated engine looks for the mark. */
export const ASKING = 'Look up with the tool what the weather will be in Bergen. [tool]'

const ENOUGH_TOKENS = 400

/** A question whose answer is one call of `get_weather`, unless `fields` leave out what forces it. */
export function calling(target: Target, fields: Fields = {}) {
  return question(target, {
    content: anew('What will the weather be in Bergen?'),
    temperature: 0,
    max_tokens: ENOUGH_TOKENS,
    tools: [WEATHER, TIME],
    tool_choice: CALL_WEATHER,
    ...fields,
  })
}
