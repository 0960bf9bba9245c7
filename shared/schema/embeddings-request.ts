/** What the body of `POST /v1/embeddings` may hold, apart from what the model decides. */
import { z } from 'zod'
import { err, ok, type Result } from '../result.ts'
import type { GatewayError } from '../errors.ts'
import { isObject } from '../is-object.ts'
import { DENIED_FIELDS } from './denied-fields.ts'
import { EMBEDDINGS_GATEWAY_FIELDS } from './fields.ts'
import type { Limits } from './mesh.ts'
import { firstRefused } from './refused-field.ts'
import { integerFrom, textOf, withoutNulls } from './request-checks.ts'
import { expectedPhrase, oneOf, toGatewayError } from './request-issue.ts'
import { readModel } from './request.ts'

/** A text, or the token ids of one. */
export type EmbeddingInput = string | readonly number[]
export type EmbeddingEncoding = 'float' | 'base64'

export interface EmbeddingsRequest {
  /** The model as the client calls it. */
  readonly model: string
  /** In the order of the answer; one at least, none empty, all texts or all token ids. */
  readonly inputs: readonly EmbeddingInput[]
  readonly encoding: EmbeddingEncoding
  /** What else may reach a pool and changes the vectors. */
  readonly params: Readonly<Record<string, unknown>>
  readonly user?: string
}

export interface EmbeddingsOptions {
  readonly limits: Pick<Limits, 'max_inputs'>
  /** Whether a pool of the model takes this field, or the operator lists it for the model. */
  readonly accepts: (field: string) => boolean
}

/** Four times the longest vectors of today's models; such a vector takes 64 KiB. */
export const MAX_DIMENSIONS = 16_384
const MAX_USER_CHARACTERS = 512
const MAX_TOKEN_ID = 2 ** 31 - 1
const ENCODINGS = ['float', 'base64'] as const
const TEXT = 'a string that is not empty'
const TOKENS = 'an array of token ids that is not empty'

/** What of the body is known beyond the model and the input. */
export const embeddingsFields = z.strictObject({
  dimensions: integerFrom({ min: 1, max: MAX_DIMENSIONS }).exactOptional(),
  encoding_format: z.enum(ENCODINGS, { error: oneOf(ENCODINGS) }).exactOptional(),
  user: textOf({ min: 0, max: MAX_USER_CHARACTERS }).exactOptional(),
})

/**
 * Checks a body. Fails like `parseRequest`. Fields beyond OpenAI's that `accepts` takes are passed on unchecked: any JSON,
 * bounded by the body's size and depth.
 */
export function parseEmbeddingsRequest(
  value: unknown,
  { limits, accepts }: EmbeddingsOptions,
): Result<EmbeddingsRequest, GatewayError> {
  const model = readModel(value)
  if (!model.ok) return model
  const members = isObject(value) ? value : {}
  const refused = firstRefused(members, (name) => isAccepted(name, accepts))
  if (refused !== undefined) return err(refused)

  const inputs = readInputs(members['input'] ?? undefined, limits.max_inputs)
  if (!inputs.ok) return inputs
  const { model: _model, input: _input, ...others } = withoutNulls(members)
  const known = Object.entries(others).filter(([name]) => Object.hasOwn(embeddingsFields.shape, name))
  const extras = Object.entries(others).filter(([name]) => !Object.hasOwn(embeddingsFields.shape, name))
  const parsed = embeddingsFields.safeParse(Object.fromEntries(known), {
    error: expectedPhrase,
    reportInput: true,
  })
  if (!parsed.success) return err(toGatewayError(parsed.error.issues))
  const { dimensions, encoding_format: encoding, user } = parsed.data
  return ok({
    model: model.value,
    inputs: inputs.value,
    encoding: encoding ?? 'float',
    params: { ...Object.fromEntries(extras), ...(dimensions === undefined ? {} : { dimensions }) },
    ...(user === undefined || user === '' ? {} : { user }),
  })
}

/** `input` too is refused where no pool of the model embeds. */
function isAccepted(name: string, accepts: (field: string) => boolean): boolean {
  if (name === 'model' || EMBEDDINGS_GATEWAY_FIELDS.has(name)) return true
  return !DENIED_FIELDS.has(name) && accepts(name)
}

/** By hand, and up to the first mistake: a body of token ids can hold half a million of them. */
function readInputs(input: unknown, maxInputs: number): Result<readonly EmbeddingInput[], GatewayError> {
  if (input === undefined) return err({ reason: 'missing_parameter', param: 'input' })
  if (isText(input)) return ok([input])
  if (!Array.isArray(input) || input.length === 0) return invalid('input', allForms(maxInputs))
  if (typeof input[0] === 'number') return readTokens(input)
  if (input.length > maxInputs) return invalid('input', `an array of at most ${maxInputs} inputs`)
  const areTexts = typeof input[0] === 'string'
  const mistake = input.findIndex((element) => !(areTexts ? isText(element) : isTokens(element)))
  if (mistake < 0) return ok(input)
  const expected =
    mistake === 0 && !areTexts && !Array.isArray(input[0]) ? `${TEXT}, or ${TOKENS}` : undefined
  return invalid(`input[${mistake}]`, expected ?? (areTexts ? TEXT : TOKENS))
}

function readTokens(input: readonly unknown[]): Result<readonly EmbeddingInput[], GatewayError> {
  if (isTokens(input)) return ok([input])
  return invalid(`input[${input.findIndex((id) => !isTokenId(id))}]`, 'a token id, as the first is')
}

function allForms(maxInputs: number): string {
  return `${TEXT}, ${TOKENS}, or an array of at most ${maxInputs} of either`
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTokens(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTokenId)
}

function isTokenId(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_TOKEN_ID
}

function invalid(param: string, expected: string): Result<never, GatewayError> {
  return err({ reason: 'invalid_parameter', param, expected })
}
