/**
 * Entries on their way to a tenant's audit log, handed over in batches behind requests. Nothing waits for it. What does
 * not come through is repeated, and what is given up is counted in the log: only an isolate that ends takes entries along
 * without a word, a second's worth.
 */
import type { AuditFacts } from '../../shared/audit/entry.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import { MAX_APPENDED } from '../objects/audit-log-rpc.ts'
import type { Runtime } from '../runtime.ts'
import type { TenantLogs } from './tenant-logs.ts'

export interface AuditQueue {
  /** Never throws. `waitUntil` is that of the request that the entry is of. */
  add(tenant: Tenant, facts: AuditFacts, waitUntil: (work: Promise<unknown>) => void): void
}

/** From a batch's first entry to its handing over. */
export const BATCH_MS = 1_000
/** Before each attempt. */
const ATTEMPTS_AFTER_MS = [0, 1_000, 4_000]
/** All of the attempts take less; the platform ends work behind a request after 30 s. */
const OVER_WITHIN_MS = 20_000
/** What one isolate holds, of all tenants; an entry has less than a kilobyte. */
const MAX_HELD = 4_096

interface Batch {
  readonly tenant: Tenant
  /** Always the same log: it knows what it has already. */
  readonly log: number
  readonly entries: AuditFacts[]
  /** Whether it is being handed over: then nothing is added to it. */
  isClosed: boolean
  /** Until when whoever is at it is believed to be: work behind a request can end without a word. */
  untilMs: number
}

export function createAuditQueue(
  logs: Pick<TenantLogs, 'append' | 'pick'>,
  runtime: Pick<Runtime, 'now' | 'log'>,
): AuditQueue {
  const batches = new Set<Batch>()

  async function handOver(batch: Batch): Promise<void> {
    batch.isClosed = true
    batch.untilMs = runtime.now() + OVER_WITHIN_MS
    for (const afterMs of ATTEMPTS_AFTER_MS) {
      if (afterMs > 0) await pause(afterMs)
      if (await logs.append(batch.tenant, batch.log, batch.entries)) {
        batches.delete(batch)
        return
      }
    }
    // Unless another request took it up meanwhile, and has got it through or given it up.
    if (batches.delete(batch)) lost(batch.tenant, batch.entries.length, 'unreachable')
  }

  async function handOverLater(batch: Batch): Promise<void> {
    await pause(BATCH_MS)
    if (!batch.isClosed) await handOver(batch)
  }

  function lost(tenant: Tenant, entries: number, why: 'unreachable' | 'full'): void {
    try {
      runtime.log({ event: 'audit_lost', tenant: tenant.id, entries, why })
    } catch {
      // A log that is full or gone is not the client's trouble.
    }
  }

  return {
    add(tenant, facts, waitUntil) {
      const nowMs = runtime.now()
      const behind = (work: Promise<void>): void => {
        try {
          waitUntil(work)
        } catch {
          // The request is no more. If its work ends with it, the next request takes it up.
        }
      }
      for (const batch of batches) if (nowMs > batch.untilMs) behind(handOver(batch))
      const held = [...batches].reduce((sum, { entries }) => sum + entries.length, 0)
      if (held >= MAX_HELD) return lost(tenant, 1, 'full')
      const open = [...batches].find((batch) => batch.tenant.id === tenant.id && !batch.isClosed)
      if (open === undefined) {
        const begun: Batch = {
          tenant,
          log: logs.pick(),
          entries: [facts],
          isClosed: false,
          untilMs: nowMs + 2 * BATCH_MS,
        }
        batches.add(begun)
        behind(handOverLater(begun))
        return
      }
      open.entries.push(facts)
      if (open.entries.length >= MAX_APPENDED) behind(handOver(open))
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
