/** Answers as a test looks at them: the same parts, whether they came as one JSON or as a stream. */
import { chat, type ChatOptions } from './chat.ts'
import type { TestMesh } from './mesh.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  /** Of every part: a stream's parts all have the same one, or they are all here. */
  readonly id: string | undefined
  /** The error's code, whether it came alone or in the stream. */
  readonly error: string | undefined
  /** The error's code where there is no answer at all, else the word in `x-mesh-cache`. */
  readonly word: string | null
  /** Of the first choice. */
  readonly text: string
  readonly finish: string | null
  readonly usage: unknown
}

interface Part {
  readonly id?: string
  readonly error?: { readonly code: string }
  readonly usage?: unknown
  readonly choices?: readonly {
    readonly finish_reason?: string | null
    readonly message?: { readonly content: string }
    readonly delta?: { readonly content?: string | null }
    readonly text?: string
  }[]
}

export async function askFor(
  mesh: TestMesh,
  colo: string,
  prompt: string,
  options: ChatOptions,
): Promise<Answer> {
  return readAnswer(await chat(mesh, colo, prompt, options))
}

export async function readAnswer(response: Response): Promise<Answer> {
  const { status, headers } = response
  const isStream = headers.get('content-type')?.startsWith('text/event-stream') === true
  const body = await response.text()
  const parts = isStream ? partsOf(body) : [JSON.parse(body) as Part]
  const ids = new Set<string>()
  let text = ''
  let finish: string | null = null
  let usage: unknown
  let error: string | undefined
  for (const part of parts) {
    const choice = part.choices?.[0]
    if (part.id !== undefined) ids.add(part.id)
    text += choice?.message?.content ?? choice?.delta?.content ?? choice?.text ?? ''
    finish = choice?.finish_reason ?? finish
    usage = part.usage ?? usage
    error = part.error?.code ?? error
  }
  const word = isStream || error === undefined ? headers.get('x-mesh-cache') : error
  const id = ids.size === 0 ? undefined : [...ids].join(', ')
  return { status, headers, id, error, word, text, finish, usage }
}

function partsOf(sse: string): Part[] {
  return sse
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)) as Part)
}
