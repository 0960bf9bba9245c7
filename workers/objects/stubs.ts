/**
 * The one place that makes Durable Object stubs, so that no object is ever reached outside the jurisdiction that a
 * home demands. On Cloudflare the platform enforces it and a failure is final. One's own workerd has a single
 * jurisdiction and refuses every other. In dev, where the runtime knows no jurisdictions, they are kept apart by name.
 */
import type { MeshMode } from '../../shared/config/mode.ts'
import type { Home } from '../../shared/residency/home.ts'
import type { Region } from '../../shared/schema/mesh.ts'
import type { Environment } from '../environment.ts'
import type { Runtime } from '../runtime.ts'
import type { AuditLogRpc } from './audit-log-rpc.ts'
import type { ConfigStoreRpc } from './config-store-rpc.ts'
import type { LogShardRpc } from './log-shard-rpc.ts'
import type { PoolMonitorRpc } from './pool-monitor-rpc.ts'
import type { ReceiptShelfRpc } from './receipt-shelf-rpc.ts'
import type { RegionMonitorRpc } from './region-monitor-rpc.ts'
import type { TenantLedgerRpc } from './tenant-ledger-rpc.ts'

export interface Stubs {
  /** A new stub for every call: one that has failed stays broken. */
  logShard(home: Home, shard: number): DurableObjectStub<LogShardRpc>
  /** `name` is a keyed hash of the tenant's id. */
  tenantLedger(home: Home, name: string): DurableObjectStub<TenantLedgerRpc>
  /** `tenant` is the tenant's keyed name, as for its ledger. */
  receiptShelf(home: Home, tenant: string, shelf: number): DurableObjectStub<ReceiptShelfRpc>
  /** `tenant` is the tenant's keyed name, as for its ledger; `number` counts the tenant's logs from 0. */
  auditLog(home: Home, tenant: string, number: number): DurableObjectStub<AuditLogRpc>
  /** The one there is. Nothing of a request comes to it: no jurisdiction is demanded of it. */
  configStore(): DurableObjectStub<ConfigStoreRpc>
  regionMonitor(region: Region): DurableObjectStub<RegionMonitorRpc>
  /** `region` is the pool's. */
  poolMonitor(region: Region, pool: string): DurableObjectStub<PoolMonitorRpc>
}

export function createStubs(env: Environment, mode: MeshMode): Stubs {
  return {
    logShard: (home, shard) => stubAt(env.LOG_SHARD, `log/${home.region}/${shard}`, home, mode),
    tenantLedger: (home, name) => stubAt(env.TENANT_LEDGER, `ledger/${name}`, home, mode),
    receiptShelf: (home, tenant, shelf) =>
      stubAt(env.RECEIPT_SHELF, `receipts/${tenant}/${shelf}`, home, mode),
    auditLog: (home, tenant, number) => stubAt(env.AUDIT_LOG, `audit/${tenant}/${number}`, home, mode),
    configStore: () => env.CONFIG_STORE.getByName('config'),
    regionMonitor: (region) => env.REGION_MONITOR.getByName(`region/${region.id}`, placeOf(region)),
    poolMonitor: (region, pool) => env.POOL_MONITOR.getByName(`pool/${pool}`, placeOf(region)),
  }
}

/** Waits for what the local runtime pretends a call to the home's object costs; nothing in production. */
export async function travelTo(
  home: Home,
  from: Region,
  regions: ReadonlyMap<string, Region>,
  runtime: Runtime,
): Promise<void> {
  const to = regions.get(home.region)
  if (to !== undefined) await runtime.crossRegions(from, to)
}

/** Nothing of a request reaches a monitor: it is placed where it is near, and no jurisdiction is demanded of it. */
function placeOf({ location_hint: locationHint }: Region): DurableObjectNamespaceGetDurableObjectOptions {
  return locationHint === undefined ? {} : { locationHint }
}

function stubAt<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  name: string,
  home: Home,
  mode: MeshMode,
): DurableObjectStub<T> {
  const options = home.locationHint === undefined ? {} : { locationHint: home.locationHint }
  if (!home.enforceJurisdiction) return namespace.getByName(name, options)
  switch (mode.kind) {
    case 'cloudflare':
      // Throws where the platform cannot enforce it: then nothing is stored.
      return namespace.jurisdiction(home.jurisdiction as DurableObjectJurisdiction).getByName(name, options)
    case 'single':
      if (home.jurisdiction !== mode.jurisdiction) throw new Error('This node serves another jurisdiction.')
      return namespace.getByName(name, options)
    case 'dev':
      return namespace.getByName(`${home.jurisdiction}:${name}`, options)
  }
}
