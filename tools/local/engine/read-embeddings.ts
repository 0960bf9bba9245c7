/** Turns a body of /v1/embeddings into the inputs to embed, or the error that vLLM would answer. */
import { err, ok, type Result } from '../../../shared/result.ts'
import { isObject } from '../../../shared/is-object.ts'
import { checkBody, EMBEDDINGS_CHECKS, numberOr } from './body-checks.ts'
import { badRequest, inputTooLong, noSuchModel, type EngineError } from './errors.ts'
import type { EngineSettings } from './options.ts'
import { encode, isToken } from './tokenizer.ts'

export interface EmbeddingRequest {
  /** The tokens of each input, in the order of the answer. At least one input, and of each one token. */
  readonly inputs: readonly (readonly number[])[]
  readonly dimensions: number
  /** Little-endian 32-bit floats in base64 instead of a list of numbers. */
  readonly isBase64: boolean
}

const DEFAULT_DIMENSIONS = 64

export function readEmbeddings(
  body: unknown,
  settings: EngineSettings,
): Result<EmbeddingRequest, EngineError> {
  if (!isObject(body)) return err(badRequest('The body must be a JSON object.'))
  const mistake = checkBody(body, EMBEDDINGS_CHECKS) ?? noSuchModel(body['model'], settings)
  if (mistake !== undefined) return err(mistake)
  const inputs = readInputs(body['input'])
  if (inputs === undefined) {
    const expected =
      'input must be a string, an array of strings, token ids, or an array of those, none empty.'
    return err(badRequest(expected, 'input'))
  }
  const { maxModelLen } = settings
  const tooLong = inputs.find(({ length }) => length > maxModelLen)
  if (tooLong !== undefined) return err(inputTooLong(maxModelLen, tooLong.length))
  const dimensions = numberOr(body['dimensions'], DEFAULT_DIMENSIONS)
  return ok({ inputs, dimensions, isBase64: body['encoding_format'] === 'base64' })
}

/** An array of numbers is one input of token ids; any other array holds inputs. */
function readInputs(input: unknown): number[][] | undefined {
  const list: readonly unknown[] = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input]
  const inputs = list.map(tokensOf)
  const isRight = inputs.length > 0 && inputs.every((tokens) => tokens.length > 0)
  return isRight ? inputs : undefined
}

/** Empty for what is no input. */
function tokensOf(input: unknown): number[] {
  if (typeof input === 'string') return encode(input)
  if (!Array.isArray(input)) return []
  const ids = input.filter((id) => typeof id === 'number' && isToken(id))
  return ids.length === input.length ? ids : []
}
