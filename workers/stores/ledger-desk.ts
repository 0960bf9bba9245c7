/**
 * Tells tenants' ledgers what was used, and which slices are given back: behind requests, once a second, and again until it is
 * acknowledged.
 */
import {
  acknowledged,
  EMPTY_OUTBOX,
  isEmpty,
  seal,
  withNews,
  type Batch,
  type News,
  type Outbox,
} from '../../shared/ledger/batch.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { TenantLedgerRpc } from '../objects/tenant-ledger-rpc.ts'
import type { Runtime } from '../runtime.ts'
import { within } from '../within.ts'

export type WaitUntil = (work: Promise<unknown>) => void

export interface LedgerDesks {
  tell(tenant: Tenant, news: Partial<News>): void
  /** Sees to it that the ledger hears it, behind the request. */
  flush(tenant: Tenant, waitUntil: WaitUntil): void
}

/** The slices of a tenant. */
export interface HeldSlices {
  /** Tells of what is over. */
  giveBack(tenant: Tenant): void
  /** When the next of those is over that have something left; undefined where none has. */
  nextExpiryMs(tenant: Tenant): number | undefined
}

interface Desk {
  outbox: Outbox
  /** When whoever empties it was last seen at work; a request that ended may have taken it along. */
  busyAtMs: number | undefined
}

/** A ledger that has not answered by then is taken for lost. */
const SETTLE_WITHIN_MS = 3000
/** Settlements wait so long for others to go with. */
const GATHER_MS = 1000
/** Between attempts at a ledger that does not answer; after that the next request tries again. */
const RETRY_AFTER_MS = [200, 1000, 3000] as const
/** Whoever empties an outbox shows it more often than this. */
const BUSY_FOR_MS = 10_000

/** `ledgerOf` gives a new stub for every call; undefined for a tenant of whom nothing may be stored. */
export function createLedgerDesks(
  ledgerOf: (tenant: Tenant) => Promise<DurableObjectStub<TenantLedgerRpc> | undefined>,
  runtime: Pick<Runtime, 'now' | 'randomHex'>,
  slices: HeldSlices,
): LedgerDesks {
  const desks = new Map<string, Desk>()

  function deskOf({ id }: Tenant): Desk {
    const known = desks.get(id)
    if (known !== undefined) return known
    const desk: Desk = { outbox: EMPTY_OUTBOX, busyAtMs: undefined }
    desks.set(id, desk)
    return desk
  }

  async function empty(tenant: Tenant, desk: Desk): Promise<void> {
    let failures = 0
    await pause(GATHER_MS)
    for (;;) {
      desk.busyAtMs = runtime.now()
      slices.giveBack(tenant)
      const isSent = await send(tenant, desk)
      if (isSent) failures = 0
      const waitMs = isSent ? restOf(tenant, desk) : RETRY_AFTER_MS[failures++]
      if (waitMs === undefined) break
      await pause(waitMs)
    }
    desk.busyAtMs = undefined
  }

  /** Sends all batches there are. Gives whether all were acknowledged. */
  async function send(tenant: Tenant, desk: Desk): Promise<boolean> {
    desk.outbox = seal(desk.outbox, runtime.randomHex(12))
    const done = await Promise.all(desk.outbox.sealed.map((batch) => sendOne(tenant, desk, batch)))
    return done.every((isDone) => isDone)
  }

  async function sendOne(tenant: Tenant, desk: Desk, batch: Batch): Promise<boolean> {
    try {
      const ledger = await ledgerOf(tenant)
      const settled = ledger?.settle(batch).then(() => true)
      if (settled !== undefined && (await within(settled, SETTLE_WITHIN_MS)) === undefined) return false
      desk.outbox = acknowledged(desk.outbox, batch.id)
      return true
    } catch {
      // Overloaded, restarted or unreachable: it is tried again, under the same name.
      return false
    }
  }

  /** How long until there is something to tell again; undefined where there will be nothing without a request. */
  function restOf(tenant: Tenant, desk: Desk): number | undefined {
    if (!isEmpty(desk.outbox)) return GATHER_MS
    const nextMs = slices.nextExpiryMs(tenant)
    return nextMs === undefined ? undefined : Math.max(GATHER_MS, nextMs - runtime.now())
  }

  return {
    tell(tenant, news) {
      const desk = deskOf(tenant)
      desk.outbox = withNews(desk.outbox, news)
    },
    flush(tenant, waitUntil) {
      const desk = deskOf(tenant)
      const nowMs = runtime.now()
      if (desk.busyAtMs !== undefined && nowMs - desk.busyAtMs < BUSY_FOR_MS) return
      desk.busyAtMs = nowMs
      waitUntil(empty(tenant, desk))
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
