/**
 * The digest of an answer that a receipt carries, made so that a client can make it again from what it got, a stream or one
 * JSON alike:
 *
 *     said(choice)  = {index, finish_reason, content, text, refusal, reasoning, reasoning_content, tool_calls, function_call}
 *                     less what is absent, null, or empty; of a call {id, name, arguments}; texts joined as they came
 *     answer digest = base64url(HMAC-SHA-256(salt, "warmpath/answer/v1\n" ‖ UTF-8(canonical JSON of [said(choice), …])))
 *     salt          = HMAC-SHA-256(tenant key, "warmpath/answer-salt/v1\n" ‖ request id), 32 bytes
 *
 * Choices are in the order of their index. Ids, times, usage, log probabilities and members that one engine adds are not
 * what was said, and are left out. The salt is given to the client beside the receipt and stands nowhere in it: who is
 * shown a receipt cannot try out what a short answer may have been, until he is given the salt as well.
 */
import { base64Url, concatBytes } from '../fingerprint/bytes.ts'
import { canonicalize } from '../fingerprint/canonicalize.ts'
import type { Digests } from '../fingerprint/fingerprint.ts'
import { isObject } from '../is-object.ts'
import type { Surface } from '../log/frame.ts'
import { createFold } from '../stream/fold.ts'

/** Reads along with one reader of an answer. */
export interface AnswerReader {
  /** Takes the members of the next frame, in order. Throws on what is no frame: they come from the ingest. */
  add(members: string): void
  /** Of what came until now. */
  digest(salt: Uint8Array, digests: Digests): Promise<string>
}

type Json = Readonly<Record<string, unknown>>

const TEXTS = ['content', 'refusal', 'reasoning', 'reasoning_content'] as const

/** Keeps the whole answer in memory, like the fold of one that is not streamed. */
export function createAnswerReader(surface: Surface): AnswerReader {
  const fold = createFold(surface)
  return {
    add: (members) => fold.add({ members }),
    digest(salt, digests) {
      // What a client that did not ask for a stream would get, less what differs between readers.
      const answer: unknown = JSON.parse(fold.answer({ id: '', createdSeconds: 0, model: '' }))
      return answerDigest(isObject(answer) ? answer['choices'] : [], salt, digests)
    },
  }
}

/** Of the member `choices` of a whole answer, as JSON has it. 43 characters of base64url. */
export async function answerDigest(choices: unknown, salt: Uint8Array, digests: Digests): Promise<string> {
  const said = (Array.isArray(choices) ? choices : [])
    .filter(isObject)
    .map(saidIn)
    .toSorted((a, b) => a.index - b.index)
  const label = digests.utf8('warmpath/answer/v1\n')
  const bytes = concatBytes([label, digests.utf8(canonicalize(said))])
  return base64Url(await digests.hmacSha256(salt, bytes))
}

/** 32 bytes, the same whenever they are asked for. `key` is the tenant's, from `tenantKey`. */
export function answerSalt(key: Uint8Array, requestId: string, digests: Digests): Promise<Uint8Array> {
  return digests.hmacSha256(key, digests.utf8(`warmpath/answer-salt/v1\n${requestId}`))
}

function saidIn(choice: Json) {
  const message = isObject(choice['message']) ? choice['message'] : {}
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : []
  return {
    index: typeof choice['index'] === 'number' ? choice['index'] : 0,
    finish_reason: textOf(choice['finish_reason']),
    text: textOf(choice['text']),
    ...Object.fromEntries(TEXTS.map((name) => [name, textOf(message[name])])),
    tool_calls: calls.length === 0 ? undefined : calls.map((call) => saidCall(call['function'], call['id'])),
    function_call: isObject(message['function_call']) ? saidCall(message['function_call']) : undefined,
  }
}

function saidCall(call: unknown, id?: unknown) {
  const { name, arguments: text } = isObject(call) ? call : {}
  return { id: textOf(id), name: textOf(name), arguments: textOf(text) }
}

/** A stream says an empty text where one JSON says null, and the other way round: neither is a text. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
