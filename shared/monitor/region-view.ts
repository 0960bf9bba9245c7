/**
 * What a region's monitor knows: what all of the region's observers have measured, what they have in flight and send, and
 * what the pools' monitors have said. A plain store with bounds on everything: whoever calls says what time it is.
 */
import { isLoadValid } from '../pool/load-report.ts'
import type { Observation, Served } from '../pool/observation.ts'
import { applyObservation, UNMEASURED, type PoolMeasures } from '../pool/pool-measures.ts'
import { applyProbe, type Probe } from '../pool/probe.ts'
import {
  MAX_OBSERVATIONS,
  type ObserverReport,
  type RegionSnapshot,
  type SharedPool,
} from '../pool/region-snapshot.ts'
import { observeRatio, type TokenRatio } from '../pool/token-ratio.ts'
import { createTally, inFlightAt, tally, type InFlightTally } from './in-flight-tally.ts'
import { SHARE_VALID_MS, type PoolStatus, type RegionShare } from './pool-view.ts'
import { addTokens, NO_TOKENS, tokensPerSecond, type TokenRate } from './token-rate.ts'

export interface RegionMonitorView {
  readonly region: string
  /** By pool id: every pool of the mesh, and no other. */
  readonly pools: Map<string, WatchedPool>
  readonly tally: InFlightTally
  /** By model id. */
  readonly tokenRatios: Map<string, TokenRatio>
  readonly models: Set<string>
}

export interface WatchedPool {
  measures: PoolMeasures
  /** Prompt tokens to compute that the region sends there. */
  sent: TokenRate
  /** The newest observation of a dispatch. */
  observedAtMs?: number
  /** When somebody of the region last used it, or had something in flight there. */
  usedAtMs?: number
  /** The newest probe that was begun. */
  probedAtMs?: number
  /** When its monitor was last asked. */
  askedAtMs?: number
  /** Whether it is known if its monitor answers. */
  isAsked: boolean
  heard?: { readonly atMs: number; readonly told: RegionShare; readonly status: PoolStatus }
}

const MAX_OBSERVER_NAME = 64

/** Of a monitor that has just begun. */
export function createRegionView(
  region: string,
  pools: readonly string[],
  models: readonly string[],
): RegionMonitorView {
  return {
    region,
    pools: new Map(pools.map((id) => [id, newPool()])),
    tally: createTally(),
    tokenRatios: new Map(),
    models: new Set(models),
  }
}

/** The mesh has other pools and models now: what is known of those that stay is kept. */
export function keepOnly(view: RegionMonitorView, pools: readonly string[], models: readonly string[]): void {
  for (const id of view.pools.keys()) if (!pools.includes(id)) view.pools.delete(id)
  for (const id of pools) if (!view.pools.has(id)) view.pools.set(id, newPool())
  view.models.clear()
  for (const id of models) view.models.add(id)
  for (const id of view.tokenRatios.keys()) if (!view.models.has(id)) view.tokenRatios.delete(id)
}

function newPool(): WatchedPool {
  return { measures: UNMEASURED, sent: NO_TOKENS, isAsked: false }
}

/** Takes in what one observer says. What it says of pools and models that the mesh does not have is left out. */
export function accept(view: RegionMonitorView, report: ObserverReport, nowMs: number): void {
  for (const observation of report.observations.slice(-MAX_OBSERVATIONS)) observe(view, observation, nowMs)
  const inFlight: Record<string, number> = {}
  for (const [id, pool] of view.pools) {
    const count = report.inFlight[id] ?? 0
    const tokens = report.sentTokens[id] ?? 0
    if (Number.isFinite(count) && count > 0) inFlight[id] = count
    if (id in inFlight || tokens > 0) pool.usedAtMs = nowMs
    pool.sent = addTokens(pool.sent, tokens, nowMs)
  }
  tally(view.tally, report.observer.slice(0, MAX_OBSERVER_NAME), inFlight, nowMs)
}

/**
 * What the region's observers are to know. A pool is in it once its monitor has been asked, in vain or not: before that
 * nobody here knows whether it has been taken out, and an observer that does know is not to be told otherwise.
 */
export function snapshot(view: RegionMonitorView, nowMs: number): RegionSnapshot {
  const pools: Record<string, SharedPool> = {}
  for (const [id, pool] of view.pools) if (pool.isAsked) pools[id] = shared(view, id, pool, nowMs)
  return { region: view.region, atMs: nowMs, pools, tokenRatios: Object.fromEntries(view.tokenRatios) }
}

/** What the region's monitor tells a pool's. */
export function shareOf(view: RegionMonitorView, pool: string, nowMs: number): RegionShare {
  return {
    region: view.region,
    inFlight: inFlightAt(view.tally, pool, nowMs),
    tokensPerSecond: tokensPerSecond(view.pools.get(pool)?.sent ?? NO_TOKENS, nowMs),
  }
}

/** Keeps what a pool's monitor answered to what it was told; undefined: it did not answer. */
export function keepStatus(
  pool: WatchedPool,
  told: RegionShare,
  status: PoolStatus | undefined,
  nowMs: number,
): void {
  pool.isAsked = true
  if (status !== undefined) pool.heard = { atMs: nowMs, told, status }
}

/** Folds in what a probe has shown. */
export function keepProbe(pool: WatchedPool, probe: Probe, nowMs: number): void {
  pool.measures = applyProbe(pool.measures, probe, nowMs)
}

function observe(view: RegionMonitorView, observation: Observation, nowMs: number): void {
  const pool = view.pools.get(observation.pool)
  if (pool === undefined) return
  pool.measures = applyObservation(pool.measures, observation)
  // An observer's clock may be ahead of this one's.
  const atMs = Math.min(nowMs, observation.atMs)
  pool.observedAtMs = Math.max(pool.observedAtMs ?? atMs, atMs)
  pool.usedAtMs = nowMs
  if (observation.kind === 'served') learnRatio(view, observation)
}

function learnRatio(view: RegionMonitorView, { model, promptBytes, promptTokens }: Served): void {
  if (promptTokens === undefined || !view.models.has(model)) return
  view.tokenRatios.set(model, observeRatio(view.tokenRatios.get(model), promptBytes, promptTokens))
}

function shared(view: RegionMonitorView, id: string, pool: WatchedPool, nowMs: number): SharedPool {
  const { measures, heard } = pool
  const here = shareOf(view, id, nowMs)
  const load = heard?.status.load
  // What other regions have there, as heard, and what this one has, as it is now.
  const isRecent = heard !== undefined && nowMs - heard.atMs <= SHARE_VALID_MS
  const elsewhere = isRecent ? beyond(heard.status, heard.told) : { inFlight: 0, tokensPerSecond: 0 }
  return {
    measures,
    ...(load !== undefined && isLoadValid(load, nowMs) ? { load } : {}),
    inFlight: here.inFlight + elsewhere.inFlight,
    tokensPerSecond: here.tokensPerSecond + elsewhere.tokensPerSecond,
    // This holds until its monitor says otherwise.
    isDrained: heard?.status.isDrained ?? false,
  }
}

type Figures = Pick<PoolStatus, 'inFlight' | 'tokensPerSecond'>

function beyond(all: Figures, told: Figures): Figures {
  return {
    inFlight: Math.max(0, all.inFlight - told.inFlight),
    tokensPerSecond: Math.max(0, all.tokensPerSecond - told.tokensPerSecond),
  }
}
