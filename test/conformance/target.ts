/**
 * What the suite is run against: a mesh of its own, or with WARMPATH_URL and WARMPATH_KEY one that is running already, and
 * with WARMPATH_MODEL under another model than `story`. Tests that break pools, or look into them, need one of their own.
 */
import OpenAI, { type ClientOptions } from 'openai'
import { describe } from 'vitest'
import { aMeshConfig, KEYS } from '../support/mesh-config.ts'
import { startMesh, type MeshOptions, type TestMesh } from '../support/mesh.ts'

export interface Target {
  /** Without a slash at the end; add `/v1/…`. */
  readonly url: string
  /** A key that may use the model and go anywhere. */
  readonly key: string
  readonly model: string
  stop(): Promise<void>
}

export interface OwnTarget extends Target {
  readonly mesh: TestMesh
}

/** What a recording client has sent. */
export interface Exchange {
  readonly sentAtMs: number
  readonly status: number
  readonly headers: Headers
}

/** A model that only `demo` may use, beside the one that everyone may. */
export const HIDDEN_MODEL = 'secret-story'

const RUNNING_URL = process.env['WARMPATH_URL']?.replace(/\/+$/, '')
const COLO = 'FRA'

/** Opens what the suite is run against. */
export async function openTarget(): Promise<Target> {
  if (RUNNING_URL === undefined) return openOwnTarget()
  const key = process.env['WARMPATH_KEY']
  if (key === undefined) throw new Error('WARMPATH_URL needs WARMPATH_KEY: a key that may use the model.')
  const model = process.env['WARMPATH_MODEL'] ?? 'story'
  return { url: RUNNING_URL, key, model, stop: () => Promise.resolve() }
}

/** Starts a mesh, whatever is running. Its pools can be broken; `limits` are those of the config. */
export async function openOwnTarget(
  options: MeshOptions = {},
  limits: Readonly<Record<string, number>> = {},
): Promise<OwnTarget> {
  const mesh = await startMesh({
    colos: [COLO],
    distances: false,
    config: (urls) => conformanceConfig(urls, limits),
    ...options,
  })
  return { url: mesh.url(COLO), key: KEYS.demo, model: 'story', mesh, stop: () => mesh.stop() }
}

/** A group of tests that need a mesh of their own: left out, and said so, where one is running. */
export function describeOwn(name: string, tests: () => void): void {
  if (RUNNING_URL !== undefined) console.log(`Left out against ${RUNNING_URL}: ${name}`)
  describe.skipIf(RUNNING_URL !== undefined)(name, tests)
}

/** The real client, which retries nothing unless told to. */
export function openAi(target: Target, options: ClientOptions = {}): OpenAI {
  return new OpenAI({ baseURL: `${target.url}/v1`, apiKey: target.key, maxRetries: 0, ...options })
}

/** A `fetch` that notes every request that really leaves, with what came back. */
export function recordingFetch(): { fetch: typeof fetch; exchanges: Exchange[] } {
  const exchanges: Exchange[] = []
  return {
    exchanges,
    async fetch(input, init) {
      const sentAtMs = performance.now()
      const response = await fetch(input, init)
      exchanges.push({ sentAtMs, status: response.status, headers: response.headers })
      return response
    },
  }
}

function conformanceConfig(urls: Readonly<Record<string, string>>, limits: Readonly<Record<string, number>>) {
  const base = aMeshConfig(urls)
  return aMeshConfig(urls, {
    limits,
    models: [...base.models, { id: HIDDEN_MODEL, context_length: 32_768 }],
    pools: base.pools.map((pool) => ({
      ...pool,
      models: [...pool.models, { model: HIDDEN_MODEL, served: 'story-8b' }],
    })),
    tenants: base.tenants.map((tenant) =>
      tenant.id === 'eu-bank' ? { ...tenant, models: ['story'] } : tenant,
    ),
  })
}
