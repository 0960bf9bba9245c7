/** The objects that a tenant's audit log is in: several, so that a busy tenant's isolates do not all wait for one. */
import type { AuditFacts } from '../../shared/audit/entry.ts'
import type { Home } from '../../shared/residency/home.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import type { Region, Tenant } from '../../shared/schema/mesh.ts'
import type { Mesh } from '../mesh.ts'
import type { AuditLogRpc } from '../objects/audit-log-rpc.ts'
import { travelTo, type Stubs } from '../objects/stubs.ts'
import type { Runtime } from '../runtime.ts'
import type { TenantKeyring } from '../tenant-keys.ts'
import { within } from '../within.ts'

/** Each has one chain; an export has them all. Fewer would leave what is in the others unread. */
export const LOGS_PER_TENANT = 4

/** An object that has not answered by then is taken for lost: a strict tenant's client waits for it. */
const APPEND_WITHIN_MS = 3_000

export interface TenantLogs {
  /** Undefined: nothing of the tenant can be stored, and there is no log. */
  homeOf(tenant: Tenant): Home | undefined
  /** The number of a log, at random. */
  pick(): number
  /**
   * Whether the log has the entries, durably; false is that nobody knows. `from`: where a request waits for it.
   * Never rejects.
   */
  append(tenant: Tenant, number: number, facts: readonly AuditFacts[], from?: Region): Promise<boolean>
  /** All of them, in their order. Throws where the platform cannot keep the home's jurisdiction. */
  objects(tenant: Tenant, home: Home): Promise<readonly DurableObjectStub<AuditLogRpc>[]>
}

export function createTenantLogs(
  mesh: Pick<Mesh, 'config' | 'mode' | 'regions'>,
  stubs: Pick<Stubs, 'auditLog'>,
  runtime: Runtime,
  keys: TenantKeyring,
): TenantLogs {
  const homeOf = (tenant: Tenant): Home | undefined => tenantHome(tenant, mesh.config, mesh.mode)

  async function add(
    { tenant, home, number }: { tenant: Tenant; home: Home; number: number },
    facts: readonly AuditFacts[],
    from?: Region,
  ): Promise<true> {
    const { objectName } = await keys.of(tenant.id)
    if (from !== undefined) await travelTo(home, from, mesh.regions, runtime)
    const log = stubs.auditLog(home, objectName, number)
    await log.append({ tenant: tenant.id, chain: chainName(tenant.id, number), facts })
    return true
  }

  return {
    homeOf,
    pick: () => Math.floor(runtime.random() * LOGS_PER_TENANT),
    async append(tenant, number, facts, from) {
      const home = homeOf(tenant)
      if (home === undefined) return false
      try {
        return (await within(add({ tenant, home, number }, facts, from), APPEND_WITHIN_MS)) ?? false
      } catch {
        // Overloaded, unreachable, restarted or not permitted here.
        return false
      }
    },
    async objects(tenant, home) {
      const { objectName } = await keys.of(tenant.id)
      return Array.from({ length: LOGS_PER_TENANT }, (_, number) => stubs.auditLog(home, objectName, number))
    },
  }
}

/** Of a tenant's chains; unique under a mesh's signature. */
export function chainName(tenant: string, number: number): string {
  return `${tenant}/${number}`
}

/** Which log has a chain; undefined if none of the tenant's does. */
export function logOfChain(tenant: string, chain: string): number | undefined {
  const number = Array.from({ length: LOGS_PER_TENANT }, (_, each) => chainName(tenant, each)).indexOf(chain)
  return number === -1 ? undefined : number
}
