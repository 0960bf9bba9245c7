/** A mesh whose pools are real engines with one and the same model, and what one of them says when it is asked alone. */
import type { RealFaults } from '../../tools/real-engine/server.ts'
import { askFor, readAnswer, type Answer } from './answer.ts'
import { aMeshConfig, KEYS } from './mesh-config.ts'
import { startMesh, type TestMesh } from './mesh.ts'
import type { RealEngine, RealEngineSetup } from './real-engine.ts'

/** Tokens of an answer, unless its question says otherwise. */
export const TOKENS = 60

/** All engines together. */
export interface Counts {
  readonly generations: number
  readonly tokens: number
  readonly aborted: number
  readonly completed: number
  /** Now, and not since. */
  readonly running: number
}

export interface Asking {
  readonly colo?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface RealMesh {
  readonly mesh: TestMesh
  /** At temperature 0. */
  ask(prompt: string, body: object, asking?: Asking): Promise<Answer>
  /** What an engine answers to the same question without a mesh. */
  alone(prompt: string, maxTokens?: number): Promise<Answer>
  /** A prompt that nobody has asked. */
  fresh(): string
  /** What has been made since this was called. */
  counting(): () => Counts
  /** Of all engines. */
  setFaults(faults: RealFaults): void
  clearFaults(): void
  /**
   * Has a fault befall the pool that is asked first, and no other. Which one that is, measurement decides: where it was
   * another one, all is done again, from `prepare` on.
   */
  struck<T>(
    fault: RealFaults,
    asking: () => Promise<T>,
    prepare?: () => Promise<unknown>,
  ): Promise<{ readonly answer: T; readonly generations: number }>
  stop(): Promise<void>
}

const POOLS = ['eu-central', 'us-east', 'ap-southeast'] as const
const COLOS = ['FRA', 'SIN'] as const
const CONTEXT_TOKENS = 2048
/** A pool that is only slow, on a machine that does other things as well, is not taken for one that stalls. */
const IDLE_MS = 1000
const MAX_TRIES = 10

/** `world-story` is the same model as `story`, made once in the world. */
export async function startRealMesh({
  start,
}: Extract<RealEngineSetup, { readonly start: unknown }>): Promise<RealMesh> {
  const engines = await Promise.all(POOLS.map(async (id) => [id, await start()] as const))
  const mesh = await startMesh({
    colos: COLOS,
    pools: Object.fromEntries(engines.map(([id, { url }]) => [id, url])),
    config: configOf,
  })
  const byPool = new Map<string, RealEngine>(engines)
  let unique = 0
  /** The pool that was asked first lately. */
  let first: string = POOLS[0]

  function made(): Counts {
    const counts = { generations: 0, tokens: 0, aborted: 0, completed: 0, running: 0 }
    for (const [, engine] of engines) {
      const stats = engine.stats()
      counts.generations += stats.generations
      counts.tokens += stats.tokens_generated
      counts.aborted += stats.aborted
      counts.completed += stats.completed
      counts.running += stats.running
    }
    return counts
  }

  function counting(): () => Counts {
    const before = made()
    return () => {
      const now = made()
      return {
        generations: now.generations - before.generations,
        tokens: now.tokens - before.tokens,
        aborted: now.aborted - before.aborted,
        completed: now.completed - before.completed,
        running: now.running,
      }
    }
  }

  function clearFaults(): void {
    for (const [, engine] of engines) engine.clearFaults()
  }

  function requestsByPool(): ReadonlyMap<string, number> {
    return new Map(engines.map(([id, engine]) => [id, engine.stats().requests]))
  }

  function ask(prompt: string, body: object, { colo = 'FRA', headers = {} }: Asking = {}): Promise<Answer> {
    return askFor(mesh, colo, prompt, { body: { temperature: 0, max_tokens: TOKENS, ...body }, headers })
  }

  // The first request of an isolate waits for its lease.
  for (const colo of COLOS) await ask('Warm up', { max_tokens: 1 }, { colo })
  return {
    mesh,
    ask,
    async alone(prompt, maxTokens = TOKENS) {
      const messages = [{ role: 'user', content: prompt }]
      const body = JSON.stringify({ messages, temperature: 0, max_tokens: maxTokens })
      const url = `${byPool.get(POOLS[0])?.url}/v1/chat/completions`
      return readAnswer(await fetch(url, { method: 'POST', body }))
    },
    fresh() {
      unique += 1
      return `Lily had ${unique} red balls.`
    },
    counting,
    setFaults(faults) {
      for (const [, engine] of engines) engine.setFaults(faults)
    },
    clearFaults,
    async struck(fault, asking, prepare) {
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        clearFaults()
        await prepare?.()
        const [since, before] = [counting(), requestsByPool()]
        byPool.get(first)?.setFaults({ ...fault, times: 1 })
        const answer = await asking()
        const asked = POOLS.filter((id) => requestsByPool().get(id) !== before.get(id))
        if (asked.some((id) => id === first)) return { answer, generations: since().generations }
        first = asked[0] ?? first
      }
      throw new Error('each time another pool was asked first')
    },
    async stop() {
      await mesh.stop()
      await Promise.all(engines.map(([, engine]) => engine.close()))
    },
  }
}

export interface Completed {
  readonly text: string
  readonly finish_reason: string
  readonly completionTokens: number
}

/** The same on the completions surface, as JSON. */
export async function completed(
  { mesh }: RealMesh,
  prompt: string,
  headers: Readonly<Record<string, string>>,
): Promise<Completed> {
  const response = await mesh.fetch('FRA', '/v1/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEYS.demo}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'story', prompt, temperature: 0, max_tokens: TOKENS }),
  })
  const { choices, usage } = (await response.json()) as {
    choices: { text: string; finish_reason: string }[]
    usage: { completion_tokens: number }
  }
  const { text = '', finish_reason = '' } = choices[0] ?? {}
  return { text, finish_reason, completionTokens: usage.completion_tokens }
}

function configOf(urls: Readonly<Record<string, string>>) {
  return aMeshConfig(urls, {
    pools: POOLS.map((id) => ({
      id,
      region: id,
      dialect: 'llamacpp',
      url: `${urls[id]}/v1`,
      models: [{ model: 'story' }, { model: 'world-story' }],
      shared_prefix: true,
    })),
    models: [
      { id: 'story', context_length: CONTEXT_TOKENS },
      { id: 'world-story', context_length: CONTEXT_TOKENS, cache: { coalesce: 'world' } },
    ],
    limits: { idle_ms: IDLE_MS, quarantine_ms: 1 },
  })
}
