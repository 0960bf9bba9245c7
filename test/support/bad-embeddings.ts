/** Ways in which a pool that is asked for two vectors can answer badly, each with what a client should see of it. */
import type { ServerResponse } from 'node:http'

export const item = (index: number, embedding: unknown = [1, index]) => ({
  object: 'embedding',
  index,
  embedding,
})
export const list = (data: readonly unknown[], more: object = {}) =>
  JSON.stringify({ object: 'list', data, usage: { prompt_tokens: 6, total_tokens: 6 }, ...more })

/** Answers with JSON. */
export function json(text: string, status = 200): (response: ServerResponse) => void {
  return (response) => void response.writeHead(status, { 'content-type': 'application/json' }).end(text)
}

const UNAVAILABLE = { status: 503, code: 'no_eligible_pool' }
const FINAL = { isFinal: true }

export interface BadEmbeddings {
  readonly answer: (response: ServerResponse) => void
  readonly status: number
  readonly code: string
  /** Another pool would not do better, and none is asked. */
  readonly isFinal?: boolean
}

/** Ways to answer a batch of two badly. */
export const BAD_EMBEDDINGS: Readonly<Record<string, BadEmbeddings>> = {
  'one vector': { answer: json(list([item(0)])), ...UNAVAILABLE },
  'three vectors': { answer: json(list([item(0), item(1), item(2)])), ...UNAVAILABLE },
  'an index twice': { answer: json(list([item(1), item(1)])), ...UNAVAILABLE },
  'two lengths': { answer: json(list([item(0), item(1, [1])])), ...UNAVAILABLE },
  'an empty vector': { answer: json(list([item(0, []), item(1, [])])), ...UNAVAILABLE },
  'not a number': { answer: json(list([item(0), item(1)]).replace('[1,1]', '[NaN,1]')), ...UNAVAILABLE },
  'not a number in base64': {
    answer: json(list([item(0, 'AADAfw=='), item(1, 'AADAfw==')])),
    ...UNAVAILABLE,
  },
  'too large a number': { answer: json(list([item(0), item(1, [1e39, 1])])), ...UNAVAILABLE },
  'three bytes': { answer: json(list([item(0, 'AAAA'), item(1, 'AAAA')])), ...UNAVAILABLE },
  'a page': { answer: (response) => void response.end('<html>'), ...UNAVAILABLE },
  nothing: { answer: json(''), ...UNAVAILABLE },
  'an error of status 200': { answer: json('{"error":{"message":"x"}}'), ...UNAVAILABLE },
  'half an answer': {
    answer: (response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write(list([item(0), item(1)]).slice(0, 30), () => response.destroy())
    },
    ...UNAVAILABLE,
  },
  'no end': {
    answer: (response) => void response.writeHead(200).write(list([item(0), item(1)]).slice(0, 30)),
    status: 504,
    code: 'pool_timeout',
  },
  'no beginning': { answer: () => undefined, status: 504, code: 'pool_timeout' },
  'a vector that never ends': { answer: endless('[{"index":0,"embedding":[', '1,'), ...UNAVAILABLE },
  'blanks for ever': { answer: endless('', ' '), ...UNAVAILABLE },
  'a redirect': {
    answer: (response) => void response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end(),
    ...UNAVAILABLE,
  },
  'status 500': { answer: json('{}', 500), ...UNAVAILABLE },
  'status 429': { answer: json('{}', 429), ...UNAVAILABLE },
  'status 404': { answer: json('{}', 404), status: 502, code: 'pool_misconfigured', ...FINAL },
  'status 501': { answer: json('{}', 501), status: 502, code: 'pool_misconfigured', ...FINAL },
  'status 400': { answer: json('{}', 400), status: 400, code: 'pool_rejected_request', ...FINAL },
  'too long': {
    answer: json('{"message":"This model\'s maximum context length is 8 tokens."}', 400),
    status: 400,
    code: 'context_length_exceeded',
    ...FINAL,
  },
}

function endless(beginning: string, more: string): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(`{"data":${beginning}`)
    const block = more.repeat(32_768)
    const write = (): void => {
      while (!response.destroyed && response.write(block));
      if (!response.destroyed) response.once('drain', write)
    }
    write()
  }
}
