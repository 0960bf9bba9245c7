/**
 * The leases this isolate acts under. While a tenant's lease is live no request waits for anything; from half its life
 * on it is renewed in the background; when it has run out the next request waits for the ledger.
 */
import { isLive, isRenewalDue, leaseFrom, type Lease } from '../../shared/lease/lease.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { Mesh } from '../mesh.ts'
import type { Stubs } from '../objects/stubs.ts'
import type { Runtime } from '../runtime.ts'
import type { TenantKeyring } from '../tenant-keys.ts'

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

export function createLeaseStore(
  mesh: Mesh,
  stubs: Stubs,
  runtime: Runtime,
  keys: TenantKeyring,
): LeaseStore {
  const leases = new Map<string, Lease>()
  const renewalStartedAtMs = new Map<string, number>()

  async function ask(tenant: Tenant, configVersion: string): Promise<HeldLease> {
    const home = tenantHome(tenant, mesh.config, mesh.mode)
    if (home === undefined) return { kind: 'not_needed' }
    const askedAtMs = runtime.now()
    renewalStartedAtMs.set(tenant.id, askedAtMs)
    try {
      const { objectName } = await keys.of(tenant.id)
      const grant = await within(stubs.tenantLedger(home, objectName).grantLease(), GRANT_WITHIN_MS)
      if (grant === undefined) return { kind: 'unavailable' }
      const lease = leaseFrom({ epoch: grant.epoch, tenant: tenant.id, configVersion }, askedAtMs)
      keep(lease)
      return { kind: 'held', lease }
    } catch {
      // Overloaded, unreachable or not permitted here: all the same to a request.
      return { kind: 'unavailable' }
    }
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
      // Every request that finds no live lease asks for itself: what one request waits for, another cannot rely on.
      if (lease === undefined || !isLive(lease, nowMs)) return ask(tenant, configVersion)
      if (isRenewalDue(lease, nowMs) && !isRenewing(tenant, nowMs)) waitUntil(ask(tenant, configVersion))
      return { kind: 'held', lease }
    },
  }
}

async function within<T>(work: Promise<T>, withinMs: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), withinMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
