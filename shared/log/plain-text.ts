/** The text of a log, where it is nothing but text: what another pool would be given to go on from. */
import { isObject } from '../is-object.ts'
import type { Surface } from './frame.ts'

/** Members of a choice, and of a delta, beside its text that say nothing when they are null or absent. */
const CHOICE_MEMBERS: ReadonlySet<string> = new Set([
  'index',
  'delta',
  'text',
  'finish_reason',
  'stop_reason',
  'matched_stop',
])

/**
 * The text that the choices of one event add; undefined where there is anything else in them, such as a tool call,
 * reasoning, log probabilities or a second choice.
 */
export function plainTextOf(
  surface: Surface,
  choices: readonly Readonly<Record<string, unknown>>[],
): string | undefined {
  const [choice, ...others] = choices
  if (choice === undefined || others.length > 0 || (choice['index'] ?? 0) !== 0) return undefined
  for (const [name, value] of Object.entries(choice)) {
    if (!CHOICE_MEMBERS.has(name) && isSomething(value)) return undefined
  }
  if (surface === 'completions') return textOf(choice['text'])
  const { delta } = choice
  if (!isObject(delta)) return undefined
  for (const [name, value] of Object.entries(delta)) {
    if (name !== 'role' && name !== 'content' && isSomething(value)) return undefined
  }
  return textOf(delta['content'])
}

/** The text of a log's events; undefined where one of them is more than text. @throws on members that are not JSON */
export function plainTextOfEvents(surface: Surface, events: Iterable<string>): string | undefined {
  let text = ''
  for (const members of events) {
    const piece = plainTextOfEvent(surface, members)
    if (piece === undefined) return undefined
    text += piece
  }
  return text
}

/** The text that one event of a log adds; as for all of them. */
export function plainTextOfEvent(surface: Surface, members: string): string | undefined {
  const event: unknown = JSON.parse(members)
  const choices: unknown = isObject(event) ? event['choices'] : undefined
  return Array.isArray(choices) ? plainTextOf(surface, choices.filter(isObject)) : undefined
}

/** Whether an event says that its choice is finished. @throws on members that are not JSON */
export function hasFinish(members: string): boolean {
  const event: unknown = JSON.parse(members)
  const choices: unknown = isObject(event) ? event['choices'] : undefined
  return (
    Array.isArray(choices) &&
    choices.some((choice) => isObject(choice) && isSomething(choice['finish_reason']))
  )
}

function isSomething(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return false
  return !(Array.isArray(value) && value.length === 0)
}

function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : undefined
}
