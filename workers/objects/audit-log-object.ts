/**
 * AuditLog: some objects per tenant, in its home, each with a chain of what was decided for its requests. Entries go with an alarm
 * when their time is over; whoever reads before it has run does not see them either.
 */
import { DurableObject } from 'cloudflare:workers'
import type { KeptChain } from '../../shared/audit/signed-heads.ts'
import { webCryptoDigests } from '../digests.ts'
import type { Environment } from '../environment.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import { createAuditLog, type AuditPage, type AuditQuery, type ChainRange } from './audit-log.ts'
import { MAX_APPENDED, type AuditAppend, type AuditLogRpc } from './audit-log-rpc.ts'
import type { Methods } from './methods.ts'

/** Whose log it is, and for how long entries were to be kept when it was last asked to add one. */
const ABOUT = 'about'
interface About {
  readonly tenant: string
  readonly retentionDays: number
}

const DAY_MS = 24 * 3_600_000
/** Entries that come one by one also end one by one: an alarm takes those of ten minutes. */
const SWEEP_PAUSE_MS = 600_000

/** Makes the class for a mesh and a runtime: production's, or the local one's. */
export function auditLogClass({ tenants }: Pick<Mesh, 'tenants'>, runtime: Runtime) {
  return class AuditLog extends DurableObject<Environment> implements Methods<AuditLogRpc> {
    readonly #log = createAuditLog(this.ctx.storage, webCryptoDigests)
    #about = this.ctx.storage.kv.get<About>(ABOUT)
    #hasAlarm = false

    async append({ tenant, chain, facts }: AuditAppend): Promise<void> {
      if (facts.length > MAX_APPENDED) throw new Error('an append has no more entries than that')
      const nowMs = runtime.now()
      this.#keepAbout(tenant)
      await this.#log.append(chain, facts, nowMs)
      await this.#setAlarm(nowMs)
      await runtime.committed()
    }

    chains(): Promise<readonly KeptChain[]> {
      this.#sweep()
      return Promise.resolve(this.#log.chains())
    }

    page(range: ChainRange): Promise<readonly string[]> {
      return Promise.resolve(this.#log.page(range))
    }

    find(query: AuditQuery, limit: number): Promise<AuditPage> {
      this.#sweep()
      return Promise.resolve(this.#log.find(query, limit))
    }

    override async alarm(): Promise<void> {
      this.#hasAlarm = false
      this.#sweep()
      await this.#setAlarm(runtime.now() + SWEEP_PAUSE_MS)
    }

    #keepAbout(tenant: string): void {
      const retentionDays = tenants.get(tenant)?.audit_retention_days
      if (retentionDays === undefined) throw new Error('an entry of a tenant that this config does not have')
      if (this.#about?.tenant === tenant && this.#about.retentionDays === retentionDays) return
      this.#about = { tenant, retentionDays }
      this.ctx.storage.kv.put(ABOUT, this.#about)
    }

    /** By the config, as long as it has the tenant; undefined where nothing was ever added. */
    #retentionMs(): number | undefined {
      if (this.#about === undefined) return undefined
      const { tenant, retentionDays } = this.#about
      return (tenants.get(tenant)?.audit_retention_days ?? retentionDays) * DAY_MS
    }

    #sweep(): void {
      const retentionMs = this.#retentionMs()
      if (retentionMs !== undefined) this.#log.sweep(runtime.now() - retentionMs)
    }

    async #setAlarm(notBeforeMs: number): Promise<void> {
      const retentionMs = this.#retentionMs()
      const oldestMs = this.#log.oldestMs()
      if (this.#hasAlarm || retentionMs === undefined || oldestMs === undefined) return
      await this.ctx.storage.setAlarm(Math.max(notBeforeMs, oldestMs + retentionMs + 1))
      this.#hasAlarm = true
    }
  }
}
