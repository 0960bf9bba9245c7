/** What a region's monitor knows of the pools at this moment, as gauges. What is not known has no sample. */
import { isLoadValid } from '../pool/load-report.ts'
import type { RegionSnapshot, SharedPool } from '../pool/region-snapshot.ts'

export interface GaugeDefinition {
  readonly help: string
  /** Besides `region` and `pool`. */
  readonly label?: string
}

export const GAUGES = {
  mesh_pool_breaker_state: {
    help: 'Whether the region has ejected the pool: 1 for the state it is in, 0 for the others.',
    label: 'state',
  },
  mesh_pool_drained: { help: '1 while an operator has taken the pool out.' },
  mesh_pool_in_flight: {
    help: 'Requests of all regions that the pool has not ended, as the region has heard.',
  },
  mesh_pool_sent_tokens_per_second: {
    help: 'Prompt tokens to compute that all regions send the pool, as the region has heard.',
  },
  mesh_pool_running: { help: 'Requests that the pool says it computes.' },
  mesh_pool_waiting: { help: 'Requests that the pool says wait in its queue.' },
  mesh_pool_kv_use_ratio: { help: 'The share of its memory for tokens that the pool says is in use.' },
} as const satisfies Readonly<Record<string, GaugeDefinition>>

export type GaugeName = keyof typeof GAUGES

export interface GaugeSample {
  readonly name: GaugeName
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const BREAKER_STATES = ['closed', 'open', 'half_open'] as const

export function gaugesOf({ pools }: RegionSnapshot, nowMs: number): readonly GaugeSample[] {
  return Object.entries(pools).flatMap(([pool, shared]) => gaugesOfPool(pool, shared, nowMs))
}

function gaugesOfPool(pool: string, shared: SharedPool, nowMs: number): GaugeSample[] {
  const { measures, load, inFlight, tokensPerSecond, isDrained } = shared
  const said = load !== undefined && isLoadValid(load, nowMs) ? load : undefined
  const values: readonly (readonly [GaugeName, number | undefined])[] = [
    ['mesh_pool_drained', isDrained ? 1 : 0],
    ['mesh_pool_in_flight', inFlight],
    ['mesh_pool_sent_tokens_per_second', tokensPerSecond],
    ['mesh_pool_running', said?.running],
    ['mesh_pool_waiting', said?.waiting],
    ['mesh_pool_kv_use_ratio', said?.kvUse],
  ]
  return [
    ...BREAKER_STATES.map((state) => ({
      name: 'mesh_pool_breaker_state' as const,
      labels: { pool, state },
      value: measures.breaker.kind === state ? 1 : 0,
    })),
    ...values.flatMap(([name, value]) => (value === undefined ? [] : [{ name, labels: { pool }, value }])),
  ]
}
