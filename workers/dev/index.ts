/** The local entry, which `npm start` and the tests run. It can pretend, so it runs in dev mode only. */
import { env } from 'cloudflare:workers'
import bundledConfig from '../../mesh.toml'
import { textBinding } from '../environment.ts'
import { startMesh } from '../mesh.ts'
import { auditLogClass } from '../objects/audit-log-object.ts'
import { configStoreClass } from '../objects/config-store.ts'
import { logShardClass } from '../objects/log-shard.ts'
import { poolMonitorClass } from '../objects/pool-monitor.ts'
import { receiptShelfClass } from '../objects/receipt-shelf.ts'
import { regionMonitorClass } from '../objects/region-monitor.ts'
import { tenantLedgerClass } from '../objects/tenant-ledger.ts'
import { createWorker } from '../worker.ts'
import { createFreshWorker } from './fresh-worker.ts'
import { devRuntime } from './runtime.ts'

const mesh = startMesh(env, bundledConfig)
if (mesh.mode.kind !== 'dev') throw new Error('The local entry runs with MESH_MODE = "dev" only.')
const runtime = devRuntime(env, mesh.config)

export const LogShard = logShardClass(mesh, runtime)
export const TenantLedger = tenantLedgerClass(mesh, runtime)
export const RegionMonitor = regionMonitorClass(mesh, runtime)
export const PoolMonitor = poolMonitorClass(mesh, runtime)
export const ConfigStore = configStoreClass(mesh, runtime)
export const ReceiptShelf = receiptShelfClass(runtime)
export const AuditLog = auditLogClass(mesh, runtime)
const isFresh = textBinding(env, 'MESH_DEV_FRESH_ISOLATES') === '1'
export default isFresh ? createFreshWorker(mesh, runtime) : createWorker(mesh, runtime)
