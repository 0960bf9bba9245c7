/** Errors as vLLM words and shapes them. */

export interface EngineError {
  readonly status: number
  readonly message: string
  readonly param?: string
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  404: 'NotFoundError',
  429: 'TooManyRequestsError',
  500: 'InternalServerError',
  503: 'ServiceUnavailableError',
}

export function badRequest(message: string, param?: string): EngineError {
  return param === undefined ? { status: 400, message } : { status: 400, message, param }
}

/** Unlike OpenAI's, the code is the status as a number. */
export function errorBody(error: EngineError): object {
  const type = TYPES[error.status] ?? (error.status < 500 ? 'BadRequestError' : 'InternalServerError')
  return { error: { message: error.message, type, param: error.param ?? null, code: error.status } }
}

/** Undefined when the engine serves the model, or none is named. */
export function noSuchModel(
  model: unknown,
  { servedModelNames }: { readonly servedModelNames: readonly string[] },
): EngineError | undefined {
  if (typeof model !== 'string' || servedModelNames.includes(model)) return undefined
  return { status: 404, message: `The model \`${model}\` does not exist.`, param: 'model' }
}

/** The sentence that gateways recognise a prompt by that does not fit. */
export function contextTooLong(limits: {
  readonly maxModelLen: number
  readonly promptTokens: number
  readonly outputTokens: number
}): EngineError {
  const { maxModelLen, promptTokens, outputTokens } = limits
  return badRequest(
    `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${outputTokens} output ` +
      `tokens and your prompt contains ${promptTokens} input tokens, for a total of ` +
      `${promptTokens + outputTokens} tokens. Please reduce the length of the input prompt or the number of ` +
      `requested output tokens. (parameter=input_tokens, value=${promptTokens})`,
    'input_tokens',
  )
}

/** The same for an input that is only read, in vLLM's words of before the above. */
export function inputTooLong(maxModelLen: number, inputTokens: number): EngineError {
  return badRequest(
    `This model's maximum context length is ${maxModelLen} tokens. However, you requested ${inputTokens} tokens in ` +
      'the input for embedding generation. Please reduce the length of the input.',
    'input',
  )
}
