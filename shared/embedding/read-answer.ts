/**
 * Reads a pool's answer to an embeddings request as it arrives. Each vector is taken out of the text as soon as it is whole,
 * so that an isolate of 128 MB holds the vectors of a large batch and never its JSON, which is several times as long.
 */
import { isObject } from '../is-object.ts'
import { readVector, type Vector } from './vector.ts'

export interface PoolEmbeddings {
  /** In the order of the inputs, all of one length. */
  readonly vectors: readonly Vector[]
  /** Of all inputs together; absent where the pool did not say. */
  readonly promptTokens?: number
}

export interface AnswerReader {
  /** Returns how many bytes of vectors this text brought, or undefined once it is clear that this is no answer. */
  push(text: string): number | undefined
  /** Undefined for what is not an answer to that many inputs. */
  end(expected: number): PoolEmbeddings | undefined
}

interface Item {
  /** Absent where the pool leaves it to the order. */
  readonly index?: number
  readonly vector: Vector
}

/** The longest vector that may be asked for, in digits. */
const MAX_ITEM_CHARACTERS = 512 * 1024
/** What is there besides vectors: names, an id, counts, and a number and a comma for each vector. */
const MAX_REST_CHARACTERS = 64 * 1024

export function createAnswerReader(): AnswerReader {
  const outside = /["{}[\]]/g
  const inside = /["\\]/g
  /** Of every list of objects at the top; one that holds no vector is undefined. */
  const items: (Item | undefined)[] = []
  let depth = 0
  let isInString = false
  let isEscaped = false
  let isInList = false
  let isBroken = false
  /** The text of the item being read. */
  let item: string | undefined
  /** The answer without its items: each is replaced by its number. */
  let rest = ''

  function keep(text: string): void {
    if (item === undefined) rest += text
    else item += text
    if (rest.length > MAX_REST_CHARACTERS || (item?.length ?? 0) > MAX_ITEM_CHARACTERS) isBroken = true
  }

  /** Gives the length of its vector in bytes. */
  function finishItem(): number {
    const read = readItem(item ?? '')
    item = undefined
    rest += String(items.push(read) - 1)
    return read?.vector.length ?? 0
  }

  return {
    push(text) {
      let vectorBytes = 0
      let keptTo = 0
      let at = isEscaped ? 1 : 0
      while (!isBroken) {
        const mark = isInString ? inside : outside
        mark.lastIndex = at
        const index = mark.exec(text)?.index
        if (index === undefined) break
        at = index + 1
        switch (text[index]) {
          case '"':
            isInString = !isInString
            break
          case '\\':
            at += 1
            break
          case '{':
          case '[':
            if (text[index] === '{' && depth === 2 && isInList) {
              keep(text.slice(keptTo, index))
              keptTo = index
              item = ''
            }
            if (depth === 1) isInList = text[index] === '['
            depth += 1
            break
          default:
            depth -= 1
            if (item === undefined || depth !== 2) break
            keep(text.slice(keptTo, at))
            keptTo = at
            vectorBytes += finishItem()
        }
      }
      isEscaped = at > text.length
      keep(text.slice(keptTo))
      return isBroken ? undefined : vectorBytes
    },

    end(expected) {
      const answer = isBroken ? undefined : parse(rest)
      if (!isObject(answer) || !Array.isArray(answer['data'])) return undefined
      const vectors = inOrder(
        answer['data'].map((number: unknown) => items[Number(number)]),
        expected,
      )
      return vectors === undefined ? undefined : { vectors, ...countOf(answer['usage']) }
    },
  }
}

function readItem(text: string): Item | undefined {
  const item = parse(text)
  if (!isObject(item)) return undefined
  const vector = readVector(item['embedding'])
  const index = item['index'] ?? undefined
  if (vector === undefined || (index !== undefined && typeof index !== 'number')) return undefined
  return { vector, ...(index === undefined ? {} : { index }) }
}

/** Every index once, and all vectors as long as the first. */
function inOrder(items: readonly (Item | undefined)[], expected: number): Vector[] | undefined {
  if (items.length !== expected) return undefined
  const byIndex = new Map(items.map((item, position) => [item?.index ?? position, item?.vector]))
  const vectors: Vector[] = []
  for (let index = 0; index < expected; index += 1) {
    const vector = byIndex.get(index)
    if (vector === undefined || vector.length !== (vectors[0] ?? vector).length) return undefined
    vectors.push(vector)
  }
  return vectors
}

function countOf(usage: unknown): { promptTokens?: number } {
  if (!isObject(usage)) return {}
  const tokens = usage['prompt_tokens'] ?? usage['total_tokens']
  const isCount = typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0
  return isCount ? { promptTokens: tokens } : {}
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
