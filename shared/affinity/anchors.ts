/**
 * The prefixes by which a prompt is recognised when another one begins like it: where its messages end, and at byte
 * depths that double.
 */
import { isObject } from '../is-object.ts'
import { anchorHere, startWalk, walkOpaque, walkText, walkValue } from './prefix-walk.ts'
import type { GenerationRequest } from '../schema/request.ts'
import type { Anchor, PrefixWalk } from './prefix-walk.ts'

export type { Anchor } from './prefix-walk.ts'
export type PromptParts = Pick<GenerationRequest, 'surface' | 'body'>

export interface Anchors {
  /** UTF-8 bytes of the whole prompt. */
  readonly bytes: number
  /** At most 32, shallowest first; none where the prompt is too short to matter. */
  readonly list: readonly Anchor[]
}

/** About 128 tokens: computing them again costs less than any detour. */
const MIN_ANCHOR_BYTES = 512
/** Up to 32 MiB, in doublings from 1 KiB. */
const MAX_DEPTHS = 16
/** The next turn adds two messages, so that a conversation's end is among its next ends, also after a few tool calls. */
const MAX_BOUNDARIES = 16
/** What text has, about, in English. */
const BYTES_PER_TOKEN_ID = 4
/** An image becomes some hundred to two thousand tokens, whatever the bytes of its file. */
const MAX_IMAGE_BYTES = 4096

/** No code unit and no two alike, so that different parts never read as the same text. */
const MARKS = {
  json: 0x10001,
  textPart: 0x10002,
  otherPart: 0x10003,
  otherMember: 0x10004,
  tools: 0x10005,
  endOfMessage: 0x10006,
  tokenIds: 0x10007,
  chat: 0x10008,
  completions: 0x10009,
} as const
/** In the order in which templates use them; the rest comes before the last two. */
const LEADING_MEMBERS = [
  ['role', 0x10010],
  ['name', 0x10011],
  ['content', 0x10012],
] as const
const TRAILING_MEMBERS = [
  ['tool_calls', 0x10013],
  ['tool_call_id', 0x10014],
] as const
const KNOWN_MEMBERS: ReadonlySet<string> = new Set(
  [...LEADING_MEMBERS, ...TRAILING_MEMBERS].map(([member]) => member),
)

/**
 * Takes a checked request. `seed` is a secret of the tenant's with the model version: under different seeds equal
 * prompts have unrelated ids. Only what becomes the prompt counts: tools first, since templates put them before the
 * messages, then the messages, each up to and with its end; or the one prompt.
 */
export function anchorsOf(prompt: PromptParts, seed: string): Anchors {
  const walk = startWalk(seed)
  const boundaries =
    prompt.surface === 'chat' ? walkChat(walk, prompt.body) : walkCompletions(walk, prompt.body['prompt'])
  const anchors = [...walk.depths.slice(0, MAX_DEPTHS), ...boundaries.slice(-MAX_BOUNDARIES)]
  return {
    bytes: walk.bytes,
    list: anchors
      .filter((anchor) => anchor.bytes >= MIN_ANCHOR_BYTES)
      .toSorted((one, other) => one.bytes - other.bytes),
  }
}

function walkChat(walk: PrefixWalk, body: PromptParts['body']): readonly Anchor[] {
  const { tools, messages } = body
  const boundaries: Anchor[] = []
  walkValue(walk, MARKS.chat, 0)
  if (isPresent(tools)) {
    walkValue(walk, MARKS.tools, 0)
    walkContent(walk, tools)
    boundaries.push(endMessage(walk))
  }
  for (const message of Array.isArray(messages) ? messages : []) {
    walkMessage(walk, message)
    boundaries.push(endMessage(walk))
  }
  return boundaries
}

function walkCompletions(walk: PrefixWalk, prompt: unknown): readonly Anchor[] {
  walkValue(walk, MARKS.completions, 0)
  // A list of prompts was refused or is a list of one.
  const first: unknown = Array.isArray(prompt) && typeof prompt[0] !== 'number' ? prompt[0] : prompt
  if (Array.isArray(first)) walkTokenIds(walk, first)
  else walkContent(walk, first)
  return [endMessage(walk)]
}

function walkTokenIds(walk: PrefixWalk, ids: readonly unknown[]): void {
  walkValue(walk, MARKS.tokenIds, 0)
  for (const id of ids) walkValue(walk, Number(id), BYTES_PER_TOKEN_ID)
}

function walkMessage(walk: PrefixWalk, message: unknown): void {
  if (!isObject(message)) return walkJson(walk, message)
  for (const [member, mark] of LEADING_MEMBERS) walkMember(walk, message[member], mark)
  const others = Object.keys(message).filter((member) => !KNOWN_MEMBERS.has(member))
  for (const member of others.toSorted()) {
    if (!isPresent(message[member])) continue
    walkValue(walk, MARKS.otherMember, 0)
    walkText(walk, member)
    walkMember(walk, message[member], MARKS.otherMember)
  }
  for (const [member, mark] of TRAILING_MEMBERS) walkMember(walk, message[member], mark)
}

function walkMember(walk: PrefixWalk, value: unknown, mark: number): void {
  if (!isPresent(value)) return
  walkValue(walk, mark, 0)
  walkContent(walk, value)
}

function walkContent(walk: PrefixWalk, content: unknown): void {
  if (typeof content === 'string') walkText(walk, content)
  else if (Array.isArray(content)) for (const part of content) walkPart(walk, part)
  else walkJson(walk, content)
}

function walkPart(walk: PrefixWalk, part: unknown): void {
  if (isObject(part) && part['type'] === 'text' && typeof part['text'] === 'string') {
    walkValue(walk, MARKS.textPart, 0)
    return walkText(walk, part['text'])
  }
  walkValue(walk, MARKS.otherPart, 0)
  if (!isObject(part) || part['type'] !== 'image_url') return walkJson(walk, part)
  const image = JSON.stringify(part)
  walkOpaque(walk, image, Math.min(image.length, MAX_IMAGE_BYTES))
}

/** In the order of its members as they came, which is what a template would render. */
function walkJson(walk: PrefixWalk, value: unknown): void {
  walkValue(walk, MARKS.json, 0)
  walkText(walk, JSON.stringify(value) ?? '')
}

function endMessage(walk: PrefixWalk): Anchor {
  walkValue(walk, MARKS.endOfMessage, 0)
  return anchorHere(walk)
}

/** A member that is null means the same as none. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null
}
