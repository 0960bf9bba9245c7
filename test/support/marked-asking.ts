/** Asks a watched mesh about marked things, and has all that it is told beside its answers searched. */
import { readAnswer, type Answer } from './answer.ts'
import { ANSWER_MARK, PROMPT_MARK, type ByteWatch } from './byte-watch.ts'
import { KEYS } from './mesh-config.ts'

export const BANK: string = KEYS['eu-bank']
export const CHAT = '/v1/chat/completions'
export const STREAM = { temperature: 0, stream: true, stream_options: { include_usage: true } }

export interface Asking {
  readonly key?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Coming {
  readonly key?: string
  readonly method?: string
}

export interface MarkedAsking {
  /** A prompt of its own, digests of which are searched for, too. */
  marked(): string
  post(colo: string, body: unknown, asking?: Asking): Promise<Response>
  ask(colo: string, prompt: string, body?: object, asking?: Asking): Promise<Answer>
  noted(response: Response): Promise<Answer>
  comeBack(colo: string, run: string, coming?: Coming): Promise<Response>
  /** Begins a stream that its client leaves after some events. Gives its run. */
  dropped(colo: string, key: string): Promise<string>
}

export function markedAsking(watch: ByteWatch): MarkedAsking {
  let unique = 0

  function marked(): string {
    unique += 1
    const prompt = `Tell me of ${PROMPT_MARK} number ${unique}.`
    watch.digested(prompt, `prompt ${unique}`)
    return prompt
  }

  function post(colo: string, body: unknown, asking: Asking = {}): Promise<Response> {
    const { key = BANK, path = CHAT, headers = {}, signal } = asking
    return watch.mesh.fetch(colo, path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  async function noted(response: Response): Promise<Answer> {
    const { status, headers } = response
    const { text } = await watch.note(response)
    const answer = await readAnswer(new Response(text, { status, headers }))
    // What a stream says of its own failure is no part of the answer.
    for (const line of text.split('\n')) if (line.includes('"error"')) watch.noteText(line)
    if (answer.text !== '') watch.digested(answer.text, 'an answer')
    return answer
  }

  return {
    marked,
    post,
    noted,
    async ask(colo, prompt, body = {}, asking = {}) {
      const messages = [{ role: 'user', content: prompt }]
      return noted(await post(colo, { model: 'story', messages, ...body }, asking))
    },
    comeBack: (colo, run, { key = BANK, method = 'GET' } = {}) =>
      watch.mesh.fetch(colo, `/v1/generations/${run}`, {
        method,
        headers: { authorization: `Bearer ${key}` },
      }),
    async dropped(colo, key) {
      const drop = new AbortController()
      const headers = { 'x-mesh-resumable': 'true' }
      const messages = [{ role: 'user', content: marked() }]
      const body = { model: 'story', messages, ...STREAM }
      const response = await post(colo, body, { key, headers, signal: drop.signal })
      const reader = response.body?.getReader()
      await reader?.read()
      await reader?.cancel()
      drop.abort()
      return response.headers.get('x-mesh-run') ?? 'none'
    },
  }
}

export function isMarked({ status, text }: Answer): boolean {
  return status === 200 && text.includes(ANSWER_MARK)
}

/** Status, and code of a failure. */
export function outcome({ status, error }: Answer): string {
  return error === undefined ? `${status}` : `${status} ${error}`
}
