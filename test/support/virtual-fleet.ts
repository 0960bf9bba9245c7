/**
 * Edges and pools in virtual time. What decides is the real thing: every edge has its own pool states, ranks with the stage
 * that ranks, and watches its dispatches as they are watched; pools and the network are simulated.
 */
import { promptOf, type Prompt } from '../../shared/affinity/prompt.ts'
import { place } from '../../shared/residency/place.ts'
import type { Placement } from '../../shared/residency/place.ts'
import type { Candidate, Ranking } from '../../shared/routing/rank.ts'
import { optimisticRttMs } from '../../shared/routing/distance.ts'
import type { MeshConfig, Region } from '../../shared/schema/mesh.ts'
import type { Mesh } from '../../workers/mesh.ts'
import type { PoolFailure } from '../../workers/outgoing/pool-failure.ts'
import { rank } from '../../workers/stages/rank.ts'
import { watchDispatch } from '../../workers/stages/watch-dispatch.ts'
import { createPoolStates, type RegionView } from '../../workers/stores/pool-states.ts'
import { createEngine, type Engine, type EngineSpec } from './virtual-engine.ts'
import { createMonitors, type Monitors, type Reports } from './virtual-monitors.ts'
import { createVirtualTime, exponentialMs, type VirtualTime } from './virtual-time.ts'

export interface FleetOptions {
  readonly config: MeshConfig
  readonly seed: number
  /** By pool id. */
  readonly engines: Readonly<Record<string, EngineSpec>>
  /** As long as light takes and a third, without it. */
  readonly rttMs?: (region: string, pool: string) => number
  /** Edges tell each other nothing without it. */
  readonly reports?: Reports
}

export interface VirtualRequest {
  readonly prompt: Prompt
  readonly outputTokens: number
  /** Whose it is; `a` without it. */
  readonly key?: string
}

export interface VirtualAnswer {
  readonly atMs: number
  readonly edge: number
  /** Why the first pool was asked. */
  readonly reason: string
  readonly predictedMs: number
  /** In the order in which they were asked. */
  readonly asked: readonly string[]
  /** All that follows is absent until it happened. */
  readonly answeredBy?: string
  readonly ttftMs?: number
  readonly cachedTokens?: number
}

export interface Fleet {
  readonly time: VirtualTime
  readonly engines: ReadonlyMap<string, Engine>
  /** Every request so far, in order. */
  readonly answers: readonly VirtualAnswer[]
  readonly monitors: Monitors | undefined
  /** Returns its number. */
  addEdge(region: string): number
  view(edge: number): RegionView
  send(edge: number, request: VirtualRequest, onEnd?: () => void): void
  /** Sends requests to an edge at random times, so many a second, from now on. */
  load(edge: number, perSecond: number, next: () => VirtualRequest): void
}

interface Edge {
  readonly region: Region
  readonly view: RegionView
}

/** What simulated pools count by, and what an estimate starts from. */
export const BYTES_PER_TOKEN = 4
const RETRY_AFTER_MS = 2000

export function createFleet({ config, seed, engines: specs, reports, ...rest }: FleetOptions): Fleet {
  const time = createVirtualTime(seed)
  // A Worker's clock has whole milliseconds.
  const world = {
    now: () => Math.floor(time.now()),
    random: () => time.random(),
    randomHex: () => String(time.random()),
  }
  const engines = new Map(Object.entries(specs).map(([id, spec]) => [id, createEngine(spec, time)]))
  const rttMs = rest.rttMs ?? ((region, pool) => byDistanceMs(config, region, pool))
  const monitors = reports && createMonitors(config, engines, rttMs, reports, time)
  const placement = placementOf(config)
  // What ranking reads of a mesh, and nothing else of it.
  const mesh = { config, models: new Map(config.models.map((model) => [model.id, model])) } as unknown as Mesh
  const edges: Edge[] = []
  const answers: { -readonly [Name in keyof VirtualAnswer]: VirtualAnswer[Name] }[] = []

  function edgeAt(number: number): Edge {
    const edge = edges[number]
    if (edge === undefined) throw new Error(`there is no edge ${number}`)
    return edge
  }

  function rankAt({ region, view }: Edge, { prompt, key = 'a' }: VirtualRequest): Ranking {
    const generation = {
      surface: 'chat',
      model: prompt.model,
      stream: true,
      includeUsage: false,
      body: {},
      hints: {},
    } as const
    view.hotAnchors.note(prompt.anchors)
    const input = { placement, modelVersion: '1', generation, prompt, key, origin: region }
    const ranking = rank(input, { mesh, runtime: world, view })
    view.looks = ranking.looks
    view.requested()
    return ranking
  }

  function send(number: number, request: VirtualRequest, onEnd: () => void = () => undefined): void {
    const edge = edgeAt(number)
    const { ranked, decision } = rankAt(edge, request)
    const asked: string[] = []
    const answer: (typeof answers)[number] = {
      atMs: time.now(),
      edge: number,
      reason: decision?.reason ?? 'none',
      predictedMs: ranked[0]?.estimateMs ?? 0,
      asked,
    }
    answers.push(answer)

    function tryFrom(index: number): void {
      const candidate = ranked[index]
      const isAllowed = index === 0 || (index < config.limits.max_attempts && edge.view.takeRetry())
      if (candidate === undefined || !isAllowed) return onEnd()
      asked.push(candidate.placed.pool.id)
      ask(edge, candidate, request, {
        onFirstToken(ttftMs, cachedTokens) {
          Object.assign(answer, { answeredBy: candidate.placed.pool.id, ttftMs, cachedTokens })
        },
        onEnd,
        onRefused: () => tryFrom(index + 1),
      })
    }
    tryFrom(0)
  }

  function ask(
    { region, view }: Edge,
    candidate: Candidate,
    { prompt, outputTokens, key = 'a' }: VirtualRequest,
    on: {
      onFirstToken: (ttftMs: number, cachedTokens: number) => void
      onEnd: () => void
      onRefused: () => void
    },
  ): void {
    const pool = candidate.placed.pool.id
    const engine = engines.get(pool)
    if (engine === undefined) throw new Error(`there is no engine ${pool}`)
    const watch = watchDispatch({ candidate, prompt, key, view, runtime: world })
    const wayMs = rttMs(region.id, pool)
    const promptTokens = Math.ceil(prompt.anchors.bytes / BYTES_PER_TOKEN)
    const refusal = engine.fault && refusalOf(engine.fault)
    if (refusal !== undefined) {
      return time.after(wayMs, () => {
        watch.refused(refusal)
        on.onRefused()
      })
    }
    // Half of the way there and half of it back.
    let cached = 0
    time.after(wayMs / 2, () =>
      engine.submit({
        anchors: prompt.anchors,
        promptTokens,
        outputTokens,
        onFirstToken(cachedTokens) {
          cached = cachedTokens
          time.after(wayMs / 2, () => on.onFirstToken(watch.began(wayMs), cachedTokens))
        },
        onEnd: () =>
          time.after(wayMs / 2, () => {
            const counts = { promptTokens, completionTokens: outputTokens, cachedTokens: cached }
            watch.over('completed', { ...counts, raw: '' })
            on.onEnd()
          }),
      }),
    )
  }

  const fleet: Fleet = {
    time,
    engines,
    answers,
    monitors,
    addEdge(regionId) {
      const region = config.regions.find(({ id }) => id === regionId)
      if (region === undefined) throw new Error(`there is no region ${regionId}`)
      const view = createPoolStates(world, { retryShare: config.routing.retry_share }).seenFrom(regionId)
      monitors?.join(view)
      return edges.push({ region, view }) - 1
    },
    view: (edge) => edgeAt(edge).view,
    send,
    load(edge, perSecond, next) {
      time.after(
        exponentialMs(perSecond, () => time.random()),
        () => {
          send(edge, next())
          fleet.load(edge, perSecond, next)
        },
      )
    },
  }
  return fleet
}

/** A prompt of chat messages, of one tenant. */
export function aPrompt(...messages: readonly string[]): Prompt {
  return promptOf({
    surface: 'chat',
    body: { messages: messages.map((content) => ({ role: 'user', content })) },
    model: 'm',
    modelVersion: '1',
    secret: 'secret of the tenant',
    isRemembered: true,
  })
}

/** Text of about so many tokens that begins like no other of another name. */
export function aText(name: string, tokens: number): string {
  return name.padEnd(tokens * BYTES_PER_TOKEN, ` of ${name}`)
}

function refusalOf(fault: 'refuses' | 'saturated'): PoolFailure {
  return fault === 'refuses'
    ? { kind: 'fault', fault: 'unreachable' }
    : { kind: 'saturated', status: 429, retryAfterMs: RETRY_AFTER_MS }
}

function placementOf(config: MeshConfig): Placement {
  const [tenant, model] = [config.tenants[0], config.models[0]]
  const placed = tenant && model && place({ config, tenant, model, arrival: { host: 'h' } })
  if (placed?.ok !== true) throw new Error('the config has no place for a request')
  return placed.value
}

/** Real cables are about a third longer than the great circle. */
function byDistanceMs({ regions, pools }: MeshConfig, from: string, pool: string): number {
  const to = pools.find(({ id }) => id === pool)?.region
  const [here, there] = [from, to].map((id) => regions.find((region) => region.id === id))
  return here === undefined || there === undefined ? 1 : 1.3 * optimisticRttMs(here, there)
}
