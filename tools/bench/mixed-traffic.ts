/**
 * Traffic as a mesh may see it: prompts of all sizes that come at random, and conversations that go on. Planned from a seed, so
 * that it is the same in every run.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { seededRandom, type Random } from '../local/engine/random.ts'

export interface TrafficOptions {
  readonly seed: number
  readonly colos: readonly string[]
  readonly requestsPerColo: number
  /** At each data centre, on average. */
  readonly perSecond: number
}

export interface PlannedRequest {
  /** Milliseconds since the traffic begins. */
  readonly atMs: number
  readonly colo: string
  readonly messages: readonly Message[]
  readonly maxTokens: number
}

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

interface Conversation {
  readonly messages: readonly Message[]
  readonly lastAtMs: number
}

const LEAST_TOKENS = 50
const MOST_TOKENS = 8_000
/** Of all requests, where there is one that may go on. */
const GOES_ON_SHARE = 0.4
/** By then its last answer is there, and read. */
const READ_AFTER_MS = 3_000
const TURN_TOKENS = [20, 200] as const
const ANSWER_TOKENS = [2, 12] as const
const WORD_LETTERS = 4

/** In the order in which they are to be sent. */
export function planTraffic({
  seed,
  colos,
  requestsPerColo,
  perSecond,
}: TrafficOptions): readonly PlannedRequest[] {
  return colos
    .flatMap((colo, index) => planAt(colo, seededRandom(seed + index), requestsPerColo, 1000 / perSecond))
    .toSorted((a, b) => a.atMs - b.atMs)
}

/** Sends each when it is time to, without waiting for the others; resolves when all are answered. */
export async function sendTraffic(
  plan: readonly PlannedRequest[],
  send: (request: PlannedRequest) => Promise<unknown>,
): Promise<void> {
  const begunMs = performance.now()
  await Promise.all(
    plan.map(async (request) => {
      await wait(Math.max(0, begunMs + request.atMs - performance.now()))
      await send(request)
    }),
  )
}

function planAt(colo: string, random: Random, requests: number, gapMs: number): readonly PlannedRequest[] {
  const conversations: Conversation[] = []
  let atMs = 0
  return Array.from({ length: requests }, () => {
    // Exponential: as requests come that know nothing of each other.
    atMs -= gapMs * Math.log(1 - random())
    const messages = nextMessages(conversations, atMs, random)
    conversations.push({ messages, lastAtMs: atMs })
    return { atMs, colo, messages, maxTokens: between(ANSWER_TOKENS, random) }
  })
}

/** Takes the conversation out of those that may go on, if it does. */
function nextMessages(conversations: Conversation[], atMs: number, random: Random): readonly Message[] {
  const ready = conversations.filter(({ lastAtMs }) => lastAtMs <= atMs - READ_AFTER_MS)
  const chosen = ready[Math.floor(random() * ready.length)]
  if (chosen === undefined || random() >= GOES_ON_SHARE) return [userOf(sizeOf(random), random)]
  conversations.splice(conversations.indexOf(chosen), 1)
  const answer = { role: 'assistant', content: textOf(between(TURN_TOKENS, random), random) } as const
  return [...chosen.messages, answer, userOf(between(TURN_TOKENS, random), random)]
}

function userOf(tokens: number, random: Random): Message {
  return { role: 'user', content: textOf(tokens, random) }
}

/** As many of each order of magnitude. */
function sizeOf(random: Random): number {
  return Math.round(LEAST_TOKENS * (MOST_TOKENS / LEAST_TOKENS) ** random())
}

/** Each word is a token of the simulated engine. */
function textOf(words: number, random: Random): string {
  const letter = (): string => String.fromCodePoint(97 + Math.floor(random() * 26))
  return Array.from({ length: words }, () => Array.from({ length: WORD_LETTERS }, letter).join('')).join(' ')
}

function between([least, most]: readonly [number, number], random: Random): number {
  return Math.round(least + (most - least) * random())
}
