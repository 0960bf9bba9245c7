/** The production entry: the Worker and its object classes. Nothing that can pretend is reachable from here. */
import { env } from 'cloudflare:workers'
import bundledConfig from '../mesh.toml'
import { startMesh } from './mesh.ts'
import { logShardClass } from './objects/log-shard.ts'
import { tenantLedgerClass } from './objects/tenant-ledger.ts'
import { productionRuntime } from './runtime.ts'
import { createWorker } from './worker.ts'

const mesh = startMesh(env, bundledConfig)

export const LogShard = logShardClass(mesh, productionRuntime)
export const TenantLedger = tenantLedgerClass(mesh, productionRuntime)
export default createWorker(mesh, productionRuntime)
