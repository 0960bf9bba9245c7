/**
 * ReceiptShelf: receipts of a tenant's streams until they are fetched, in the tenant's home. A receipt is no secret of the
 * mesh (its digests are keyed or salted) and is kept as the client will get it.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Environment } from '../environment.ts'
import type { Runtime } from '../runtime.ts'
import type { Methods } from './methods.ts'
import type { KeptReceipt, ReceiptShelfRpc } from './receipt-shelf-rpc.ts'

/** Makes the class for a runtime: production's, or the local one's. */
export function receiptShelfClass(runtime: Runtime) {
  return class ReceiptShelf extends DurableObject<Environment> implements Methods<ReceiptShelfRpc> {
    readonly #sql = this.ctx.storage.sql

    constructor(ctx: DurableObjectState, env: Environment) {
      super(ctx, env)
      this.#sql.exec(`
        CREATE TABLE IF NOT EXISTS receipt (
          request_id TEXT PRIMARY KEY, receipt TEXT NOT NULL, expires_at_ms INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS receipt_by_expiry ON receipt (expires_at_ms);
      `)
    }

    async put({ requestId, receipt, expiresAtMs }: KeptReceipt): Promise<void> {
      this.#sql.exec('REPLACE INTO receipt VALUES (?, ?, ?)', requestId, receipt, expiresAtMs)
      const alarmAtMs = await this.ctx.storage.getAlarm()
      if (alarmAtMs === null || alarmAtMs > expiresAtMs) await this.ctx.storage.setAlarm(expiresAtMs)
      await runtime.committed()
    }

    get(requestId: string): Promise<string | undefined> {
      const [row] = this.#sql
        .exec<{ receipt: string }>(
          'SELECT receipt FROM receipt WHERE request_id = ? AND expires_at_ms > ?',
          requestId,
          runtime.now(),
        )
        .toArray()
      return Promise.resolve(row?.receipt)
    }

    override async alarm(): Promise<void> {
      this.#sql.exec('DELETE FROM receipt WHERE expires_at_ms <= ?', runtime.now())
      const { next } = this.#sql
        .exec<{ next: number | null }>('SELECT MIN(expires_at_ms) AS next FROM receipt')
        .one()
      if (next !== null) await this.ctx.storage.setAlarm(next)
    }
  }
}
