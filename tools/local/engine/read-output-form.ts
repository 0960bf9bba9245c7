/** Reads from a body whether its answer is a story, JSON, or the call of a tool. */
import { err, ok, type Result } from '../../../shared/result.ts'
import { isObject } from '../../../shared/is-object.ts'
import { asList, type Body } from './body-checks.ts'
import { badRequest, type EngineError } from './errors.ts'
import { shapeOf } from './json-schema.ts'
import { textOf } from './prompt.ts'
import { FREE_OBJECT, type Shape } from './shape.ts'

export interface OutputForm {
  /** Undefined is a story. */
  readonly grammar: Shape | undefined
  /** The function that is called with the JSON. */
  readonly call: string | undefined
}

/** Written by a user who wants the model to call its first tool. */
export const TOOL_MARKER = '[tool]'

/** A call comes before a format, as in vLLM. */
export function readOutputForm(body: Body): Result<OutputForm, EngineError> {
  const tool = calledTool(body)
  if (!tool.ok) return tool
  return tool.value === undefined ? readFormat(body['response_format']) : readCall(tool.value)
}

/** Undefined when none is to be called. */
function calledTool(body: Body): Result<unknown, EngineError> {
  const { tools, tool_choice: choice } = body
  const offered = Array.isArray(tools) ? tools : []
  if (offered.length === 0) {
    if (choice === undefined || choice === null || choice === 'none') return ok(undefined)
    return err(badRequest('When using `tool_choice`, `tools` must be set.', 'tool_choice'))
  }
  if (choice === 'none') return ok(undefined)
  if (choice === 'required') return ok(offered[0])
  if (choice === undefined || choice === null || choice === 'auto') {
    return ok(isCallWanted(body['messages']) ? offered[0] : undefined)
  }
  const name = isObject(choice) ? nameOf(choice) : undefined
  if (name === undefined) {
    return err(
      badRequest('tool_choice must be "none", "auto", "required" or name a function.', 'tool_choice'),
    )
  }
  const named = offered.find((tool) => isObject(tool) && nameOf(tool) === name)
  if (named !== undefined) return ok(named)
  return err(badRequest('The tool specified in `tool_choice` does not match any of `tools`.', 'tool_choice'))
}

/** Once a tool has answered, the model does too: otherwise an agent's loop would never end. */
function isCallWanted(messages: unknown): boolean {
  const last = asList(messages)
    .filter(isObject)
    .findLast(({ role }) => role === 'user' || role === 'tool')
  return last?.['role'] === 'user' && (textOf(last['content']) ?? '').includes(TOOL_MARKER)
}

function readCall(tool: unknown): Result<OutputForm, EngineError> {
  const name = isObject(tool) ? nameOf(tool) : undefined
  if (!isObject(tool) || name === undefined) {
    return err(badRequest('Each tool must be of type function and have a name.', 'tools'))
  }
  const parameters = isObject(tool['function']) ? tool['function']['parameters'] : undefined
  const shape = shapeOf(parameters ?? { type: 'object' })
  if (!shape.ok) return err(badRequest(`Invalid parameters of a tool: ${shape.error}.`, 'tools'))
  if (shape.value.kind !== 'object') {
    return err(badRequest('The parameters of a tool must be an object’s schema.', 'tools'))
  }
  return ok({ grammar: shape.value, call: name })
}

function readFormat(format: unknown): Result<OutputForm, EngineError> {
  const type = isObject(format) ? format['type'] : (format ?? 'text')
  if (type === 'text') return ok({ grammar: undefined, call: undefined })
  if (type === 'json_object') return ok({ grammar: FREE_OBJECT, call: undefined })
  const schema =
    isObject(format) && isObject(format['json_schema']) ? format['json_schema']['schema'] : undefined
  if (type !== 'json_schema' || schema === undefined || schema === null) {
    const expected = 'response_format must be of type text, json_object, or json_schema with a schema.'
    return err(badRequest(expected, 'response_format'))
  }
  const shape = shapeOf(schema)
  if (!shape.ok) return err(badRequest(`Invalid response_format: ${shape.error}.`, 'response_format'))
  return ok({ grammar: shape.value, call: undefined })
}

function nameOf({ type, function: named }: Body): string | undefined {
  if (type !== 'function' || !isObject(named)) return undefined
  return typeof named['name'] === 'string' && named['name'] !== '' ? named['name'] : undefined
}
