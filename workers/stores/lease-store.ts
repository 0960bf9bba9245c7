/**
 * The leases this isolate acts under. While a tenant's lease is live no request waits for anything; from half its life
 * on it is renewed in the background; when it has run out the next request waits for the ledger. Of a ledger that hangs
 * this is remembered for a while, so that not every request waits for nothing.
 */
import { isLive, isRenewalDue, leaseFrom, LEASE_TTL_MS, type Lease } from '../../shared/lease/lease.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { Mesh } from '../mesh.ts'
import type { Stubs } from '../objects/stubs.ts'
import type { Runtime } from '../runtime.ts'
import type { TenantKeyring } from '../tenant-keys.ts'
import { within } from '../within.ts'

export type HeldLease =
  | { readonly kind: 'held'; readonly lease: Lease }
  /** Nothing of the tenant may be stored, so there is nothing a lease could be on. */
  | { readonly kind: 'not_needed' }
  | { readonly kind: 'unavailable' }

export interface LeaseStore {
  hold(tenant: Tenant, configVersion: string, waitUntil: (work: Promise<unknown>) => void): Promise<HeldLease>
}

/** A ledger that has not answered by then is taken for lost; a tenant's requests must not queue behind it. */
const GRANT_WITHIN_MS = 3000
/** Within this time one renewal in the background is enough. */
const RENEWAL_PAUSE_MS = 1000
/**
 * How long a ledger that hung, or had too much to do, is not asked again: then one request asks, and the others need not
 * wait with it. Short, because a restricted tenant is refused for as long. What fails at once is asked again at once:
 * that costs a request little, and an object that has just restarted answers.
 */
const SILENCE_MS = 1000

export function createLeaseStore(
  mesh: Mesh,
  stubs: Stubs,
  runtime: Runtime,
  keys: TenantKeyring,
): LeaseStore {
  const leases = new Map<string, Lease>()
  const renewalStartedAtMs = new Map<string, number>()
  /** Of tenants whose ledger was silent when it was last asked. */
  const silentUntilMs = new Map<string, number>()

  async function ask(tenant: Tenant, configVersion: string): Promise<HeldLease> {
    const home = tenantHome(tenant, mesh.config, mesh.mode)
    if (home === undefined) return { kind: 'not_needed' }
    const askedAtMs = runtime.now()
    renewalStartedAtMs.set(tenant.id, askedAtMs)
    try {
      const { objectName } = await keys.of(tenant.id)
      const grant = await within(stubs.tenantLedger(home, objectName).grantLease(), GRANT_WITHIN_MS)
      if (grant === undefined) return silent(tenant, askedAtMs)
      silentUntilMs.delete(tenant.id)
      const lease = leaseFrom({ ...grant, tenant: tenant.id, configVersion }, askedAtMs)
      keep(lease)
      return { kind: 'held', lease }
    } catch (error) {
      // Overloaded, unreachable or not permitted here: all the same to this request.
      return isOverload(error) ? silent(tenant, askedAtMs) : { kind: 'unavailable' }
    }
  }

  function silent({ id }: Tenant, askedAtMs: number): HeldLease {
    const nowMs = runtime.now()
    // Not if it has answered one who asked later, nor while another is already finding out.
    const answeredAtMs = (leases.get(id)?.expiresAtMs ?? 0) - LEASE_TTL_MS
    if (answeredAtMs <= askedAtMs && nowMs >= (silentUntilMs.get(id) ?? 0)) {
      silentUntilMs.set(id, nowMs + SILENCE_MS)
    }
    return { kind: 'unavailable' }
  }

  /** Whether a request may put the question, and so wait for the ledger. */
  function mayAsk({ id }: Tenant, nowMs: number): boolean {
    const untilMs = silentUntilMs.get(id)
    if (untilMs === undefined) return true
    if (nowMs < untilMs) return false
    // This one asks, and the others of the next second need not. What was long ago says nothing.
    if (nowMs < untilMs + GRANT_WITHIN_MS) silentUntilMs.set(id, nowMs + SILENCE_MS)
    else silentUntilMs.delete(id)
    return true
  }

  /** Answers can overtake one another; the one asked for last counts. */
  function keep(lease: Lease): void {
    const held = leases.get(lease.tenant)
    if (held === undefined || held.expiresAtMs <= lease.expiresAtMs) leases.set(lease.tenant, lease)
  }

  function isRenewing(tenant: Tenant, nowMs: number): boolean {
    const startedAtMs = renewalStartedAtMs.get(tenant.id)
    return startedAtMs !== undefined && nowMs - startedAtMs < RENEWAL_PAUSE_MS
  }

  return {
    async hold(tenant, configVersion, waitUntil) {
      const lease = leases.get(tenant.id)
      const nowMs = runtime.now()
      if (lease === undefined || !isLive(lease, nowMs)) {
        // Every request that asks does so for itself: what one request waits for, another cannot rely on.
        return mayAsk(tenant, nowMs) ? ask(tenant, configVersion) : { kind: 'unavailable' }
      }
      if (isRenewalDue(lease, nowMs) && !isRenewing(tenant, nowMs)) waitUntil(ask(tenant, configVersion))
      return { kind: 'held', lease }
    },
  }
}

/** workerd marks what an object that has too much to do throws. */
function isOverload(error: unknown): boolean {
  return error instanceof Error && 'overloaded' in error && error.overloaded === true
}
