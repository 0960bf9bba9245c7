/** What a region's monitor is told, and pools' monitors that answer as a test says. */
import type { PoolStatus, RegionShare } from '../../../shared/monitor/pool-view.ts'
import type { ObserverReport } from '../../../shared/pool/region-snapshot.ts'
import type { Environment } from '../../../workers/environment.ts'

export const REGION = 'eu-central'
export const POOLS = ['eu-central', 'us-east', 'ap-southeast']

export function aReport(changes: Partial<ObserverReport> = {}): ObserverReport {
  return { observer: 'isolate-1', observations: [], inFlight: {}, sentTokens: {}, ...changes }
}

/** Monitors of pools, by what they answer. */
export function poolMonitors(
  report: (pool: string, share: RegionShare) => Promise<PoolStatus>,
): Partial<Environment> {
  // Only this is called.
  return { POOL_MONITOR: { getByName: () => ({ report }) } as unknown as Environment['POOL_MONITOR'] }
}

/** A monitor that knows of nothing beyond what it was told. */
export const nothingElse = (_pool: string, { inFlight, tokensPerSecond }: RegionShare): Promise<PoolStatus> =>
  Promise.resolve({ inFlight, tokensPerSecond, isDrained: false })
