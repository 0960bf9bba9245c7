/** The Worker's bindings, as wrangler.toml declares them. Pools' secrets and private bindings are looked up by name. */
import type { AuditLogRpc } from './objects/audit-log-rpc.ts'
import type { ConfigStoreRpc } from './objects/config-store-rpc.ts'
import type { LogShardRpc } from './objects/log-shard-rpc.ts'
import type { PoolMonitorRpc } from './objects/pool-monitor-rpc.ts'
import type { ReceiptShelfRpc } from './objects/receipt-shelf-rpc.ts'
import type { RegionMonitorRpc } from './objects/region-monitor-rpc.ts'
import type { TenantLedgerRpc } from './objects/tenant-ledger-rpc.ts'
import type { RateLimit } from './stores/key-guesses.ts'

export interface Environment {
  /** `cloudflare` | `single:<jurisdiction>` | `dev`; anything else refuses to start. */
  readonly MESH_MODE?: string
  /** Replaces the bundled mesh.toml where the host can hand over a text of any size (local start, self-hosting). */
  readonly MESH_CONFIG?: string
  /** Master secret of fingerprints and cache salts, at least 32 characters. */
  readonly MESH_FINGERPRINT_SECRET?: string
  /** Master secret of the keys that stored answers are encrypted under, at least 32 characters. */
  readonly MESH_ENCRYPTION_SECRET?: string
  /** The one before, while keys that it wrapped are still in use. */
  readonly MESH_ENCRYPTION_SECRET_PREVIOUS?: string
  readonly MESH_ADMIN_TOKEN?: string
  /** Seed of the key that signs receipts and audit logs; without it none is signed (workers/receipts/keys.ts). */
  readonly MESH_RECEIPT_KEY?: string
  /** The public keys that were used before. */
  readonly MESH_RECEIPT_KEYS_RETIRED?: string
  /** JSON of where this node stands; set by `npm run serve`, and refused where the platform says where requests arrive. */
  readonly MESH_NODE_PLACE?: string
  /** Answers 200 while this node takes requests; bound by `npm run serve` only. */
  readonly MESH_READINESS?: Fetcher
  /** Counts wrong keys by address over a data centre; where it is not bound each isolate counts for itself. */
  readonly KEY_GUESSES?: RateLimit
  readonly ANSWERS: KVNamespace
  readonly LOG_SHARD: DurableObjectNamespace<LogShardRpc>
  readonly TENANT_LEDGER: DurableObjectNamespace<TenantLedgerRpc>
  readonly REGION_MONITOR: DurableObjectNamespace<RegionMonitorRpc>
  readonly POOL_MONITOR: DurableObjectNamespace<PoolMonitorRpc>
  readonly CONFIG_STORE: DurableObjectNamespace<ConfigStoreRpc>
  readonly RECEIPT_SHELF: DurableObjectNamespace<ReceiptShelfRpc>
  readonly AUDIT_LOG: DurableObjectNamespace<AuditLogRpc>
}

/** Reads a text binding whose name comes from the config. Undefined where it is not bound, or not text. */
export function textBinding(env: Environment, name: string): string | undefined {
  // The names are the operator's, so the type cannot list them; what is found is checked.
  const value = (env as unknown as Record<string, unknown>)[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Reads a fetcher binding (private network, service) whose name comes from the config. */
export function fetcherBinding(env: Environment, name: string): Fetcher | undefined {
  const value = (env as unknown as Record<string, unknown>)[name]
  const isFetcher = typeof value === 'object' && value !== null && 'fetch' in value
  return isFetcher ? (value as Fetcher) : undefined
}
