/**
 * What one request is charged with: what was set aside for it, what pools were used for by this isolate, and how it is settled.
 * The rules are in shared/ledger/settlement.ts.
 */
import type { GatewayError } from '../../shared/errors.ts'
import { bucketOf } from '../../shared/ledger/output-sizes.ts'
import {
  entryOfRequest,
  entryOfUse,
  kindOfRequest,
  type PoolUse,
  type RequestEnd,
} from '../../shared/ledger/settlement.ts'
import { termsOf } from '../../shared/ledger/terms.ts'
import { tokensOf, type UsageEntry } from '../../shared/ledger/usage.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { Edge } from '../edge.ts'
import { TENANT_SCOPE } from '../objects/ledger-rpc.ts'
import type { Account, Held, NotHeld } from '../stores/accounts.ts'

export interface Charge {
  /** A pool was used for the request, by this isolate. */
  use(use: PoolUse): void
  /** Settles the request, once: what comes later is settled by itself. Gives what it cost here, and what it saved. */
  settle(end: RequestEnd, more?: readonly UsageEntry[]): Settled
}

export interface Settled {
  /** What pools were used for by this isolate; what a log's shard used them for, that settles. */
  readonly microdollars: number
  readonly savedMicrodollars: number
}

export interface ChargeInput {
  readonly tenant: Tenant
  readonly keyId: string
  readonly model: string
  /** What it may cost. */
  readonly microdollars: number
  readonly tokens: number
  /** Whether the client gave no limit: then its answer shows how long answers are. */
  readonly isOpenEnded: boolean
}

type Chargeable = Pick<Edge, 'accounts' | 'waitUntil'>

/** The accounts that a request is charged to: its tenant's and its key's, as far as they have limits. */
export function accountsOf(tenant: Tenant, keyId: string): readonly Account[] {
  const ofTenant = termsOf(tenant)
  const key = tenant.keys.find(({ id }) => id === keyId)
  const ofKey = key && termsOf(key)
  return [
    ...(ofTenant === undefined ? [] : [{ tenant, scope: TENANT_SCOPE, terms: ofTenant }]),
    ...(ofKey === undefined ? [] : [{ tenant, scope: keyId, terms: ofKey }]),
  ]
}

/** Sets aside what a request may cost. Fails with `rate_limit_exceeded`, `insufficient_quota` or `limits_unavailable`. */
export async function openCharge(
  input: ChargeInput,
  edge: Chargeable,
): Promise<Result<Charge, GatewayError>> {
  const { tenant, keyId, microdollars, tokens } = input
  const held: Held[] = []
  for (const account of accountsOf(tenant, keyId)) {
    const part = await edge.accounts.hold(
      account,
      { microdollars, tokens, requests: 1, places: 1 },
      edge.waitUntil,
    )
    if (!part.ok) {
      for (const other of held)
        edge.accounts.release(other, { microdollars: 0, tokens: 0, requests: 0, places: 0 })
      edge.accounts.flush(tenant, edge.waitUntil)
      return err(errorOf(part.error))
    }
    held.push(part.value)
  }
  return ok(chargeOf(input, held, edge))
}

function chargeOf(
  { tenant, keyId, model, isOpenEnded }: ChargeInput,
  held: readonly Held[],
  edge: Chargeable,
): Charge {
  const { accounts } = edge
  const whose = { key: keyId, model }
  const uses: UsageEntry[] = []
  let settled: Settled | undefined

  function book(entries: readonly UsageEntry[]): void {
    accounts.tell(tenant, { entries })
    accounts.flush(tenant, edge.waitUntil)
  }

  function settle(end: RequestEnd, more: readonly UsageEntry[]): Settled {
    const request = entryOfRequest(end, whose)
    const here = [...uses, ...more]
    const entries = [...here, request]
    const used = here.length > 0 ? here : madeElsewhere(end, whose)
    for (const part of held) {
      accounts.release(part, {
        microdollars: sum(used, ({ microdollars }) => microdollars),
        tokens: sum(used, tokensOf),
        requests: 1,
        places: 0,
      })
    }
    if (isOpenEnded && held.length > 0 && end.outcome === 'completed' && end.counted !== undefined) {
      const bucket = bucketOf(end.counted.completionTokens)
      accounts.tell(tenant, { outputs: [{ model, bucket, count: 1 }] })
    }
    book(entries)
    return {
      microdollars: sum(entries, ({ microdollars }) => microdollars),
      savedMicrodollars: sum(entries, (each) => each.savedHit + each.savedCoalesced + each.savedPrefix),
    }
  }

  return {
    use(use) {
      const entry = entryOfUse(use, whose)
      if (settled === undefined) uses.push(entry)
      else book([entry])
    },
    settle(end, more = []) {
      settled ??= settle(end, more)
      return settled
    },
  }
}

/** What the shard of a log used pools for, for this request: the shard settles it, and here it is no longer set aside. */
function madeElsewhere(end: RequestEnd, whose: Pick<UsageEntry, 'key' | 'model'>): readonly UsageEntry[] {
  const kind = kindOfRequest(end)
  if (kind === 'failed' || kind === 'hit' || kind === 'coalesced') return []
  const { pool, price, outcome, counted } = end
  if (pool === undefined || price === undefined || outcome === undefined || counted === undefined) return []
  return [entryOfUse({ pool, price, outcome, pools: 1, counted, seen: counted }, whose)]
}

function sum(entries: readonly UsageEntry[], of: (entry: UsageEntry) => number): number {
  return entries.reduce((total, entry) => total + of(entry), 0)
}

function errorOf(notHeld: NotHeld): GatewayError {
  if (notHeld.limit === 'unavailable') return { reason: 'limits_unavailable' }
  if (notHeld.limit === 'budget') return { reason: 'insufficient_quota' }
  return { reason: 'rate_limit_exceeded', limit: notHeld.limit, retryAfterSeconds: notHeld.waitMs / 1000 }
}
