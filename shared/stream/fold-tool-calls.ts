/** Folds tool-call deltas: id and name come with a call's first delta, its arguments in pieces of text. */
import { isObject } from '../is-object.ts'
import { keepLast } from './keep-last.ts'

type Json = Readonly<Record<string, unknown>>

interface ToolCall {
  readonly index: number
  id: string | undefined
  type: string
  name: string | undefined
  argumentText: string
  /** Members that are not OpenAI's. */
  readonly rest: Map<string, unknown>
}

const OWN_MEMBERS: ReadonlySet<string> = new Set(['index', 'id', 'type', 'function'])

/** Makes the fold of one message's calls; `value` lists them by index. */
export function createToolCallsFold() {
  const calls: ToolCall[] = []

  function callFor(delta: Json): ToolCall {
    const id = typeof delta.id === 'string' && delta.id !== '' ? delta.id : undefined
    const found = findCall(calls, delta.index, id)
    if (found !== undefined) return found
    const index = typeof delta.index === 'number' ? delta.index : calls.length
    const call: ToolCall = {
      index,
      id,
      type: 'function',
      name: undefined,
      argumentText: '',
      rest: new Map(),
    }
    calls.push(call)
    return call
  }

  return {
    add(deltas: readonly unknown[]): void {
      for (const delta of deltas) {
        if (!isObject(delta)) continue
        const call = callFor(delta)
        if (typeof delta.id === 'string' && delta.id !== '') call.id ??= delta.id
        if (typeof delta.type === 'string' && delta.type !== '') call.type = delta.type
        if (isObject(delta.function)) {
          if (typeof delta.function.name === 'string') call.name ??= delta.function.name
          call.argumentText = joinText(call.argumentText, delta.function.arguments)
        }
        keepLast(call.rest, delta, OWN_MEMBERS)
      }
    },
    value: (): Json[] =>
      [...calls]
        .sort((a, b) => a.index - b.index)
        .map((call) => ({
          ...Object.fromEntries(call.rest),
          id: call.id,
          type: call.type,
          function: { name: call.name, arguments: call.argumentText },
        })),
  }
}

/** Joins a piece of text to what there is; whatever is no text adds nothing. */
export function joinText(before: unknown, piece: unknown): string {
  return (typeof before === 'string' ? before : '') + (typeof piece === 'string' ? piece : '')
}

/** Some servers send `index: null`: then a new id is a new call, and no id means the one before. */
export function findCall<Call extends { readonly index: number; readonly id: string | undefined }>(
  calls: readonly Call[],
  index: unknown,
  id: string | undefined,
): Call | undefined {
  if (typeof index === 'number') return calls.find((call) => call.index === index)
  return id === undefined ? calls.at(-1) : calls.find((call) => call.id === id)
}
