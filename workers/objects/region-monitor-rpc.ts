/** What a RegionMonitor can be asked. Every call names the region: not every runtime tells an object its name. */
import type { Counts } from '../../shared/metrics/counts.ts'
import type { RegionMetrics } from '../../shared/metrics/exposition.ts'
import type { ObserverReport, RegionSnapshot } from '../../shared/pool/region-snapshot.ts'

export interface RegionMonitorRpc extends Rpc.DurableObjectBranded {
  /** Takes what one observer has seen and counted, and answers at once, from memory, with what the whole region has. */
  exchange(region: string, report: ObserverReport, counts?: Counts): Promise<RegionSnapshot>
  /** What the region knows, for an operator: it asks no one for it. */
  snapshot(region: string): Promise<RegionSnapshot>
  /** The same with what the region's requests have added up to since it began to count. */
  metrics(region: string): Promise<RegionMetrics>
}
