/** One HTTP request as a client on this machine sees it: when its first byte, its first token and its end were here. */
import { Agent, request as sendRequest, type IncomingHttpHeaders } from 'node:http'

export interface TimedRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** Milliseconds since the request was made. */
export interface TimedAnswer {
  readonly firstByteMs: number
  readonly firstTokenMs: number
  readonly endMs: number
  readonly headers: IncomingHttpHeaders
}

/**
 * Connections are kept, as those of SDKs are, but for less than the 5 s after which workerd closes one that is idle: a
 * request that is sent just then is lost.
 */
const agent = new Agent({ keepAlive: true, timeout: 2500, maxSockets: Infinity })

const FIRST_TOKEN = /"content":"[^"]/
const END = 'data: [DONE]\n\n'

/**
 * Streams an answer. Rejects for one that is not whole: what is measured must have worked. `onFirstByte` is called while it
 * comes.
 */
export function timed(
  { url, method, headers, body }: TimedRequest,
  onFirstByte: () => void = () => undefined,
): Promise<TimedAnswer> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const since = (): number => performance.now() - startedAt
    const sent = sendRequest(url, { method, headers, agent }, (response) => {
      let firstByteMs: number | undefined
      let firstTokenMs: number | undefined
      let beginning = ''
      let last = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        if (firstByteMs === undefined) {
          firstByteMs = since()
          onFirstByte()
        }
        if (firstTokenMs === undefined) {
          beginning += text
          if (FIRST_TOKEN.test(beginning)) firstTokenMs = since()
        }
        last = (last + text).slice(-400)
      })
      response.on('error', reject)
      response.on('end', () => {
        const endMs = since()
        const isWhole = response.statusCode === 200 && last.endsWith(END) && !last.includes('"error"')
        if (!isWhole || firstByteMs === undefined || firstTokenMs === undefined) {
          return reject(new Error(`an answer was not whole: ${response.statusCode} …${last}`))
        }
        return resolve({ firstByteMs, firstTokenMs, endMs, headers: response.headers })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
