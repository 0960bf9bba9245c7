/**
 * Turns a parsed body into the request that the rest of the mesh works with: checked fields only, so that what
 * reaches a pool is what was admitted and never the client's raw bytes.
 */
import { err, ok } from '../result.ts'
import { chatRequest } from './chat-request.ts'
import { completionsRequest } from './completions-request.ts'
import { DENIED_FIELDS } from './denied-fields.ts'
import { GATEWAY_ONLY_FIELDS } from './fields.ts'
import { firstRefused } from './refused-field.ts'
import { isObject } from '../is-object.ts'
import { withoutNulls } from './request-checks.ts'
import { expectedPhrase, toGatewayError } from './request-issue.ts'
import type { GatewayError } from '../errors.ts'
import type { Surface } from '../log/frame.ts'
import type { Result } from '../result.ts'
import type { Limits } from './mesh.ts'

export interface GenerationRequest {
  readonly surface: Surface
  /** The model as the client calls it; pools get their own name for it in its place. */
  readonly model: string
  readonly stream: boolean
  /** Whether the client wants the usage chunk at a stream's end. */
  readonly includeUsage: boolean
  /** The client's own limit on generated tokens. */
  readonly tokenLimit?: number
  /** What may reach a pool, less `model`. */
  readonly body: Readonly<Record<string, unknown>>
  readonly hints: RequestHints
}

/** What the client says about itself: for scopes and routing here, never forwarded. */
export interface RequestHints {
  readonly user?: string
  readonly promptCacheKey?: string
}

export interface RequestOptions {
  readonly limits: Pick<Limits, 'max_messages' | 'max_output_tokens' | 'max_choices'>
  /** Whether a pool of the model takes this field, or the operator lists it for the model. */
  readonly accepts: (field: string) => boolean
}

/** Every model name the config can hold is shorter; see mesh.ts. */
const MAX_MODEL_CHARACTERS = 128
const SCHEMAS = { chat: chatRequest, completions: completionsRequest } as const

/** The model a body asks for: what is needed to know which fields it may have. */
export function readModel(value: unknown): Result<string, GatewayError> {
  if (!isObject(value)) {
    return err({ reason: 'invalid_parameter', param: 'body', expected: 'a JSON object' })
  }
  const model = value['model'] ?? undefined
  if (model === undefined) return err({ reason: 'missing_parameter', param: 'model' })
  if (typeof model !== 'string' || model.length === 0 || model.length > MAX_MODEL_CHARACTERS) {
    const expected = `a string of 1 to ${MAX_MODEL_CHARACTERS} characters`
    return err({ reason: 'invalid_parameter', param: 'model', expected })
  }
  return ok(model)
}

/**
 * Checks a body. Fails with `missing_parameter`, `invalid_parameter` (with a path of our names and indexes) or
 * `unsupported_parameter` (by name where the name is one of ours, else by position among the body's members).
 * Fields beyond OpenAI's that `accepts` takes are passed on unchecked: any JSON, bounded by the body's size and depth.
 */
export function parseRequest(
  surface: Surface,
  value: unknown,
  options: RequestOptions,
): Result<GenerationRequest, GatewayError> {
  const model = readModel(value)
  if (!model.ok) return model
  const members = isObject(value) ? value : {}
  const refused = firstRefused(members, (name) => isAccepted(name, surface, options.accepts))
  if (refused !== undefined) return err(refused)

  const { model: _model, ...others } = members
  const { max_messages: maxMessages } = options.limits
  if (Array.isArray(others['messages']) && others['messages'].length > maxMessages) {
    return err(invalid('messages', `an array of at most ${maxMessages} messages`))
  }
  const { known, extras } = splitFields(withoutNulls(others), surface)
  const parsed = SCHEMAS[surface].safeParse(known, { error: expectedPhrase, reportInput: true })
  if (!parsed.success) return err(toGatewayError(parsed.error.issues))
  const fields = withoutNulls({ ...extras, ...parsed.data })
  const broken = brokenLimit(fields, options.limits) ?? contradiction(fields)
  if (broken !== undefined) return err(broken)
  return ok(requestOf(surface, model.value, fields))
}

/** Without these there is no request, so that no pool is asked whether it takes them. */
const ALWAYS_ACCEPTED: Readonly<Record<Surface, ReadonlySet<string>>> = {
  chat: new Set(['model', 'messages']),
  completions: new Set(['model', 'prompt', 'best_of', 'echo']),
}

function isAccepted(name: string, surface: Surface, accepts: (field: string) => boolean): boolean {
  if (ALWAYS_ACCEPTED[surface].has(name) || GATEWAY_ONLY_FIELDS.has(name)) return true
  return !DENIED_FIELDS.has(name) && accepts(name)
}

function splitFields(members: Readonly<Record<string, unknown>>, surface: Surface) {
  const { shape } = SCHEMAS[surface]
  const entries = Object.entries(members)
  return {
    known: Object.fromEntries(entries.filter(([name]) => Object.hasOwn(shape, name))),
    extras: Object.fromEntries(entries.filter(([name]) => !Object.hasOwn(shape, name))),
  }
}

function brokenLimit(
  fields: Readonly<Record<string, unknown>>,
  limits: RequestOptions['limits'],
): GatewayError | undefined {
  const integers = [
    ['n', limits.max_choices],
    ['max_tokens', limits.max_output_tokens],
    ['max_completion_tokens', limits.max_output_tokens],
  ] as const
  for (const [param, max] of integers) {
    const value = integerOf(fields, param)
    if (value !== undefined && value > max) return invalid(param, `an integer from 1 to ${max}`)
  }
  return undefined
}

/** Fields that are fine alone and not together. */
function contradiction(fields: Readonly<Record<string, unknown>>): GatewayError | undefined {
  const older = integerOf(fields, 'max_tokens')
  const newer = integerOf(fields, 'max_completion_tokens')
  if (older !== undefined && newer !== undefined && older !== newer) {
    return invalid('max_tokens', 'left out, or equal to max_completion_tokens')
  }
  // Ranking several answers and sending the best is not served; asking for as many as are sent changes nothing.
  const bestOf = integerOf(fields, 'best_of')
  if (bestOf !== undefined && bestOf !== (integerOf(fields, 'n') ?? 1)) {
    return invalid('best_of', 'left out, or equal to n')
  }
  return fields['echo'] === true ? { reason: 'unsupported_parameter', param: 'echo' } : undefined
}

function requestOf(
  surface: Surface,
  model: string,
  fields: Readonly<Record<string, unknown>>,
): GenerationRequest {
  const tokenLimit = integerOf(fields, 'max_completion_tokens') ?? integerOf(fields, 'max_tokens')
  const streamOptions = fields['stream_options']
  return {
    surface,
    model,
    stream: fields['stream'] === true,
    includeUsage: isObject(streamOptions) && streamOptions['include_usage'] === true,
    ...(tokenLimit === undefined ? {} : { tokenLimit }),
    body: Object.fromEntries(Object.entries(fields).filter(([name]) => !isOurs(name, surface))),
    hints: {
      ...hint('user', fields['user']),
      ...hint('promptCacheKey', fields['prompt_cache_key']),
    },
  }
}

/** The two that are checked only to be harmless go no further, where the surface's schema has them. */
function isOurs(name: string, surface: Surface): boolean {
  const isHarmless = surface === 'completions' && (name === 'best_of' || name === 'echo')
  return isHarmless || GATEWAY_ONLY_FIELDS.has(name)
}

function hint(name: keyof RequestHints, value: unknown): RequestHints {
  return typeof value === 'string' && value !== '' ? { [name]: value } : {}
}

function integerOf(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = fields[name]
  return typeof value === 'number' ? value : undefined
}

function invalid(param: string, expected: string): GatewayError {
  return { reason: 'invalid_parameter', param, expected }
}
