/**
 * A rolling hash of a prompt, begun with a secret: two lanes of 32 bits that take in two UTF-16 code units after the
 * other, and can name the prefix so far at any point.
 *
 * Not a digest: Web Crypto has no incremental one, so that every prefix would be hashed from its start, in an
 * asynchronous call each; and WebAssembly hashes such as xxHash cannot be compiled at run time on Workers. What hangs
 * on a name is only where a tenant's own requests are sent, and whoever wants names to collide needs the secret.
 */
import { mix } from '../fingerprint/mix.ts'

/** A prefix of a prompt. */
export interface Anchor {
  /** 53 bits, evenly spread; equal prefixes under one secret have equal ids. */
  readonly id: number
  /** UTF-8 bytes of the prompt up to here. */
  readonly bytes: number
}

/** Mutable: where a walk through a prompt has got to. */
export interface PrefixWalk {
  high: number
  low: number
  bytes: number
  /** Where the next anchor of `depths` falls. */
  nextDepthBytes: number
  /** The prefixes of 1, 2, 4, … KiB that were passed, wherever in a message they end, or a few bytes more. */
  readonly depths: Anchor[]
}

const FIRST_DEPTH_BYTES = 1024
/** FNV's offset basis and a constant of MurmurHash3, as signed integers, which lanes stay: any two numbers do. */
const START = { high: 0x811c9dc5 | 0, low: 0x9747b28c | 0 }
/** Odd, so that no step loses anything of the state; from xxHash32 and MurmurHash3. */
const HIGH_TEXT_PRIME = 0x9e3779b1
const LOW_TEXT_PRIME = 0x85ebca6b
/** Others for what is not a pair of code units, so that no text acts like a mark between texts. */
const HIGH_VALUE_PRIME = 0x85ebca77
const LOW_VALUE_PRIME = 0xc2b2ae35
/** No code unit, so that no text moves from the seed into the prompt. */
const END_OF_SEED = 0x10000

export function startWalk(seed: string): PrefixWalk {
  const walk = { ...START, bytes: 0, nextDepthBytes: Infinity, depths: [] }
  walkOpaque(walk, seed, 0)
  walkValue(walk, END_OF_SEED, 0)
  return { ...walk, nextDepthBytes: FIRST_DEPTH_BYTES }
}

/** Takes in a text. Half of a surrogate pair counts as two bytes, also where its other half is missing. */
export function walkText(walk: PrefixWalk, text: string): void {
  // In local variables, and two units a step: a prompt of 100 KB is to take a fraction of a millisecond.
  let { high, low, bytes, nextDepthBytes } = walk
  for (let at = 1; at < text.length; at += 2) {
    const first = text.charCodeAt(at - 1)
    const second = text.charCodeAt(at)
    const pair = first | (second << 16)
    high = step(high, pair, HIGH_TEXT_PRIME)
    low = step(low, pair, LOW_TEXT_PRIME)
    bytes += (first | second) < 0x80 ? 2 : utf8Bytes(first) + utf8Bytes(second)
    if (bytes < nextDepthBytes) continue
    walk.depths.push({ id: idOf(high, low), bytes })
    nextDepthBytes *= 2
  }
  walk.high = high
  walk.low = low
  walk.bytes = bytes
  walk.nextDepthBytes = nextDepthBytes
  if (text.length % 2 === 0) return
  const last = text.charCodeAt(text.length - 1)
  walkValue(walk, last, utf8Bytes(last))
}

/** Takes in a text that counts as so many bytes, whatever its length. */
export function walkOpaque(walk: PrefixWalk, text: string, bytes: number): void {
  const inner = { ...walk, nextDepthBytes: Infinity }
  walkText(inner, text)
  walk.high = inner.high
  walk.low = inner.low
  advance(walk, bytes)
}

/** Takes in one value of 32 bits, which counts as so many bytes. */
export function walkValue(walk: PrefixWalk, value: number, bytes: number): void {
  walk.high = step(walk.high, value, HIGH_VALUE_PRIME)
  walk.low = step(walk.low, value, LOW_VALUE_PRIME)
  advance(walk, bytes)
}

/** The prefix so far. */
export function anchorHere({ high, low, bytes }: PrefixWalk): Anchor {
  return { id: idOf(high, low), bytes }
}

/** One-to-one in the lane. Without the shift, low bits would hang on low bits alone, in both lanes alike. */
function step(lane: number, value: number, prime: number): number {
  const product = Math.imul(lane ^ value, prime)
  return product ^ (product >>> 15)
}

function utf8Bytes(unit: number): number {
  if (unit < 0x80) return 1
  return unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3
}

function advance(walk: PrefixWalk, bytes: number): void {
  walk.bytes += bytes
  if (walk.bytes < walk.nextDepthBytes) return
  walk.depths.push(anchorHere(walk))
  while (walk.nextDepthBytes <= walk.bytes) walk.nextDepthBytes *= 2
}

/** Two rounds of a Feistel network, one-to-one in 64 bits, of which the first 11 are left out. */
function idOf(high: number, low: number): number {
  const right = mix(low ^ Math.imul(high, HIGH_TEXT_PRIME))
  const left = mix(high ^ Math.imul(right, LOW_TEXT_PRIME))
  return (left >>> 11) * 2 ** 32 + right
}
