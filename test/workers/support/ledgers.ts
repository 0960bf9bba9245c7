/** Ledgers of tenants that no other test uses. */
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'

export function aLedger() {
  return env.TENANT_LEDGER.getByName(`test/${crypto.randomUUID()}`)
}

/** Lets waits pass at once, and tells how long they would have been. */
export function skipWaits(): number[] {
  const waits: number[] = []
  vi.spyOn(scheduler, 'wait').mockImplementation((ms) => {
    waits.push(ms)
    return Promise.resolve()
  })
  return waits
}
