/** Builds the call of Anthropic's Messages API from a request in OpenAI's form. */
import { isObject } from '../../shared/is-object.ts'
import { GATEWAY_ONLY_FIELDS } from '../../shared/schema/fields.ts'
import type { PoolRequest, PoolRequestInput } from './adapter.ts'
import { toTurns } from './anthropic-messages.ts'

/** It demands a limit where OpenAI's API has none; every model of these years can write as much. */
const DEFAULT_MAX_TOKENS = 4096

/**
 * Maps what has a counterpart and passes on the rest: sampling fields, which have the same names, and whatever the operator
 * has opened for the model. Always a stream, which always comes with usage.
 */
export function buildMessagesRequest({ body, servedModel, pool }: PoolRequestInput): PoolRequest {
  const {
    messages,
    max_tokens: olderLimit,
    max_completion_tokens: newerLimit,
    stop,
    tools,
    tool_choice: choice,
    parallel_tool_calls: isParallel,
    ...rest
  } = body
  const others = Object.entries(rest).filter(([key]) => !GATEWAY_ONLY_FIELDS.has(key))
  const stops = typeof stop === 'string' ? [stop] : stop
  const sent = {
    ...Object.fromEntries(others),
    model: servedModel,
    ...toTurns(Array.isArray(messages) ? messages : []),
    max_tokens: newerLimit ?? olderLimit ?? pool?.default_max_tokens ?? DEFAULT_MAX_TOKENS,
    ...(Array.isArray(stops) && stops.length > 0 ? { stop_sequences: stops } : {}),
    ...(Array.isArray(tools) ? toolsOf(tools, choice, isParallel) : {}),
    stream: true,
  }
  return { path: 'messages', body: JSON.stringify(sent) }
}

/** A choice is sent beside tools only: without them it would be refused. */
function toolsOf(tools: readonly unknown[], choice: unknown, isParallel: unknown): object {
  const wanted = choiceOf(choice) ?? (isParallel === false ? { type: 'auto' } : undefined)
  const isAlone = isParallel === false && wanted?.type !== 'none'
  return {
    tools: tools.map(toolOf),
    ...(wanted === undefined
      ? {}
      : { tool_choice: isAlone ? { ...wanted, disable_parallel_tool_use: true } : wanted }),
  }
}

function toolOf(tool: unknown): object {
  const definition = isObject(tool) && isObject(tool.function) ? tool.function : {}
  const { name, description, parameters, strict } = definition
  return {
    name,
    ...(description === undefined ? {} : { description }),
    // Without a schema a function takes nothing.
    input_schema: { type: 'object', ...(isObject(parameters) ? parameters : { properties: {} }) },
    ...(strict === true ? { strict } : {}),
  }
}

function choiceOf(choice: unknown): { readonly type: string; readonly name?: unknown } | undefined {
  if (choice === 'none' || choice === 'auto') return { type: choice }
  if (choice === 'required') return { type: 'any' }
  return isObject(choice) && isObject(choice.function)
    ? { type: 'tool', name: choice.function.name }
    : undefined
}
