/** The production entry: the Worker and its object classes. Nothing that can pretend is reachable from here. */
import { env } from 'cloudflare:workers'
import bundledConfig from '../mesh.toml'
import { startMesh } from './mesh.ts'
import { auditLogClass } from './objects/audit-log-object.ts'
import { configStoreClass } from './objects/config-store.ts'
import { logShardClass } from './objects/log-shard.ts'
import { poolMonitorClass } from './objects/pool-monitor.ts'
import { receiptShelfClass } from './objects/receipt-shelf.ts'
import { regionMonitorClass } from './objects/region-monitor.ts'
import { tenantLedgerClass } from './objects/tenant-ledger.ts'
import { runtimeAt } from './runtime.ts'
import { createWorker } from './worker.ts'

const mesh = startMesh(env, bundledConfig)
const runtime = runtimeAt(mesh.nodePlace)

export const LogShard = logShardClass(mesh, runtime)
export const TenantLedger = tenantLedgerClass(mesh, runtime)
export const RegionMonitor = regionMonitorClass(mesh, runtime)
export const PoolMonitor = poolMonitorClass(mesh, runtime)
export const ConfigStore = configStoreClass(mesh, runtime)
export const ReceiptShelf = receiptShelfClass(runtime)
export const AuditLog = auditLogClass(mesh, runtime)
export default createWorker(mesh, runtime)
