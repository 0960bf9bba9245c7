/** Finds the first field of a body that is not accepted, and says which without repeating what a client wrote. */
import type { GatewayError } from '../errors.ts'
import { DENIED_FIELDS } from './denied-fields.ts'
import {
  CHAT_FIELDS,
  COMPLETIONS_FIELDS,
  EMBEDDINGS_FIELDS,
  EMBEDDINGS_GATEWAY_FIELDS,
  GATEWAY_ONLY_FIELDS,
  UNSERVED_FIELDS,
} from './fields.ts'

/** Names that may stand in an error: they are ours and not the client's. */
const NAMEABLE = [
  CHAT_FIELDS,
  COMPLETIONS_FIELDS,
  EMBEDDINGS_FIELDS,
  EMBEDDINGS_GATEWAY_FIELDS,
  GATEWAY_ONLY_FIELDS,
  UNSERVED_FIELDS,
  DENIED_FIELDS,
]

/**
 * `unsupported_parameter` for the first such field, undefined if there is none. A null says nothing, whatever its name.
 * Positions are those of parsing, which is the order sent except for names that are whole numbers.
 */
export function firstRefused(
  members: Readonly<Record<string, unknown>>,
  isAccepted: (field: string) => boolean,
): GatewayError | undefined {
  const names = Object.keys(members)
  const position = names.findIndex((name) => members[name] !== null && !isAccepted(name)) + 1
  const name = names[position - 1]
  if (name === undefined) return undefined
  return NAMEABLE.some((fields) => fields.has(name))
    ? { reason: 'unsupported_parameter', param: name }
    : { reason: 'unsupported_parameter', position }
}
