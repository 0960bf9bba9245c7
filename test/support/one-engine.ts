/**
 * A mesh whose pools are all one engine: a fault that comes once befalls whichever is asked first, and the engine's counts
 * are those of them all.
 */
import type { Engine } from '../../tools/local/engine/start-engine.ts'
import { readAnswer, type Answer } from './answer.ts'
import { aMeshConfig, KEYS } from './mesh-config.ts'
import { startMesh, type MeshOptions, type TestMesh } from './mesh.ts'

/** Generations that were begun, and their tokens. */
export interface Made {
  readonly generations: number
  readonly tokens: number
}

export interface Asking {
  readonly key?: string
  readonly colo?: string
  /** The word of `x-mesh-cache`. */
  readonly cache?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface OneEngineMesh {
  readonly mesh: TestMesh
  readonly engine: Engine
  made(): Made
  since(before: Made): Made
  /** A prompt that nobody has asked. */
  fresh(): string
  /** At temperature 0, unless the body says otherwise. */
  send(prompt: string, body: object, asking?: Asking): Promise<Response>
  /** Sends it and reads the answer to its end. */
  ask(prompt: string, body: object, asking?: Asking): Promise<Answer>
  /** The same answer, made for this reader alone by one pool. */
  uninterrupted(prompt: string, body: object): Promise<Answer>
  /** A prompt whose answer ends by itself, between 60 and 190 tokens, and that answer. */
  aStory(): Promise<{ readonly prompt: string; readonly whole: Answer }>
}

export interface OneEngineOptions extends Omit<MeshOptions, 'config'> {
  /** What is different in the config. */
  readonly changes?: Readonly<Record<string, unknown>>
}

export async function startOneEngine({ changes, ...options }: OneEngineOptions = {}): Promise<OneEngineMesh> {
  const mesh = await startMesh({
    colos: ['FRA', 'AMS'],
    distances: false,
    engine: { interTokenLatencyMs: 2 },
    ...options,
    config: (urls) => {
      const one = urls['eu-central'] ?? ''
      return aMeshConfig(Object.fromEntries(Object.keys(urls).map((id) => [id, one])), changes)
    },
  })
  const engine = engineOf(mesh)
  let unique = 0

  function made(): Made {
    const { generations, tokens_generated: tokens } = engine.stats()
    return { generations, tokens }
  }

  function fresh(): string {
    unique += 1
    return `Tell me story number ${unique}.`
  }

  function send(prompt: string, body: object, asking: Asking = {}): Promise<Response> {
    const { key = KEYS.demo, colo = 'FRA', cache = 'on', headers = {}, signal } = asking
    const messages = [{ role: 'user', content: prompt }]
    return mesh.fetch(colo, '/v1/chat/completions', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'x-mesh-cache': cache,
        ...headers,
      },
      body: JSON.stringify({ model: 'story', messages, temperature: 0, ...body }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  async function ask(prompt: string, body: object, asking?: Asking): Promise<Answer> {
    return readAnswer(await send(prompt, body, asking))
  }

  const uninterrupted = (prompt: string, body: object): Promise<Answer> => ask(prompt, body, { cache: 'off' })

  async function aStory(): Promise<{ prompt: string; whole: Answer }> {
    for (;;) {
      const prompt = fresh()
      const whole = await uninterrupted(prompt, {})
      const tokens = tokensOf(whole)
      if (tokens > 60 && tokens < 190) return { prompt, whole }
    }
  }

  // The first request of an isolate waits for its lease.
  for (const colo of options.colos ?? ['FRA', 'AMS'])
    await ask(`Warm up ${colo}`, { max_tokens: 1 }, { colo })
  return {
    mesh,
    engine,
    made,
    since(before) {
      const { generations, tokens } = made()
      return { generations: generations - before.generations, tokens: tokens - before.tokens }
    },
    fresh,
    send,
    ask,
    uninterrupted,
    aStory,
  }
}

function engineOf({ engines }: TestMesh): Engine {
  const engine = engines['eu-central']
  if (engine === undefined) throw new Error('the mesh has no such pool')
  return engine
}

export function tokensOf({ usage }: Answer): number {
  return (usage as { completion_tokens: number }).completion_tokens
}

/** All that two answers to one request have in common; what a pool had cached of its prompt is not. */
export function said({ text, finish, usage, status, error }: Answer): Readonly<Record<string, unknown>> {
  const { prompt_tokens_details: _details, ...counts } = (usage ?? {}) as Record<string, unknown>
  return { text, finish, counts, status, error }
}
