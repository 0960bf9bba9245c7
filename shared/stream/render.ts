/** Makes a log's frames one reader's own: SSE events with this reader's id, time, model name and usage wish. */
import type { WireError } from '../errors.ts'
import type { Frame, Surface, Usage } from '../log/frame.ts'

export interface RenderOptions {
  readonly surface: Surface
  /** One id for the whole stream, `chatcmpl-…` or `cmpl-…`. */
  readonly id: string
  readonly createdSeconds: number
  /** The name under which the client asked for the model. */
  readonly model: string
  /** Whether the client asked for usage (`stream_options.include_usage`). */
  readonly includeUsage: boolean
}

/** Each method gives the text of one SSE event, or none (an empty string). No `id:` lines: they break a client. */
export interface Renderer {
  frame(frame: Pick<Frame, 'members'>): string
  /** The usage chunk that comes after the last frame; empty unless the client asked for usage. */
  usage(usage: Usage): string
  /** A failure after the answer began; to be followed by `done()`, since SDKs stop reading there. */
  error(body: WireError['body']): string
  done(): string
}

/** A comment, which SDKs pass over: it carries nothing, and only shows that the connection lives. */
export const KEEP_ALIVE = ': keep-alive\n\n'

const OBJECTS: Readonly<Record<Surface, string>> = {
  chat: 'chat.completion.chunk',
  completions: 'text_completion',
}

/**
 * Makes the renderer of one stream. A frame costs one concatenation: it is not parsed, so what the pool wrote
 * arrives character for character.
 */
export function createRenderer(options: RenderOptions): Renderer {
  const { surface, id, createdSeconds, model, includeUsage } = options
  const own = JSON.stringify({ id, object: OBJECTS[surface], created: createdSeconds, model }).slice(0, -1)
  // Like OpenAI: who asks for usage gets null on every chunk before the one that has it.
  const start = includeUsage ? `data: ${own},"usage":null,` : `data: ${own},`
  return {
    frame: ({ members }) => `${start}${members.slice(1)}\n\n`,
    usage: ({ raw }) => (includeUsage ? `data: ${own},"choices":[],"usage":${raw}}\n\n` : ''),
    // Without `choices`: the AI SDK takes a completions chunk that has them for a good one and drops the error.
    error: ({ error }) => `data: ${own},"error":${JSON.stringify(error)}}\n\n`,
    done: () => 'data: [DONE]\n\n',
  }
}
