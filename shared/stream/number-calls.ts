/**
 * Numbers the tool calls of a server that leaves their numbers out, or null: clients join the pieces of a call by its
 * number alone. (The `openai` package throws without one, and whoever joins by hand makes one call of several.)
 */
import { findCall } from './fold-tool-calls.ts'
import { isObject } from '../is-object.ts'

type Json = Readonly<Record<string, unknown>>

interface Call {
  readonly index: number
  readonly id: string | undefined
}

/**
 * Makes the numbering of one answer. It takes the members of each frame in order and gives them back, written anew only
 * where a call has no number.
 */
export function createCallNumbering(): (members: string) => string {
  const byChoice = new Map<unknown, Call[]>()

  function numbered(choice: unknown): unknown {
    if (!isObject(choice) || !isObject(choice.delta) || !Array.isArray(choice.delta.tool_calls)) return choice
    const known = byChoice.get(choice.index) ?? []
    byChoice.set(choice.index, known)
    const calls = choice.delta.tool_calls.map((call: unknown) =>
      isObject(call) ? { ...call, index: numberOf(call, known) } : call,
    )
    return { ...choice, delta: { ...choice.delta, tool_calls: calls } }
  }

  return (members) => {
    // Nearly all frames are text. Within a text the quotes would be escaped.
    if (!members.includes('"tool_calls"')) return members
    const event: unknown = JSON.parse(members)
    if (!isObject(event) || !Array.isArray(event.choices)) return members
    const choices = event.choices.map(numbered)
    return event.choices.every(isNumbered) ? members : JSON.stringify({ ...event, choices })
  }
}

/** The number of the call that a piece belongs to, which is known from then on. */
function numberOf(call: Json, known: Call[]): number {
  const id = typeof call.id === 'string' && call.id !== '' ? call.id : undefined
  const found = findCall(known, call.index, id)
  if (found !== undefined) return found.index
  const index = typeof call.index === 'number' ? call.index : known.length
  known.push({ index, id })
  return index
}

function isNumbered(choice: unknown): boolean {
  if (!isObject(choice) || !isObject(choice.delta) || !Array.isArray(choice.delta.tool_calls)) return true
  return choice.delta.tool_calls.every((call: unknown) => !isObject(call) || typeof call.index === 'number')
}
