/** What an AuditLog can be asked. */
import type { AuditFacts } from '../../shared/audit/entry.ts'
import type { KeptChain } from '../../shared/audit/signed-heads.ts'
import type { AuditPage, AuditQuery, ChainRange } from './audit-log.ts'

/** Entries of one tenant for one of its chains. */
export interface AuditAppend {
  /** Id of the tenant. */
  readonly tenant: string
  readonly chain: string
  /** `MAX_APPENDED` at most. */
  readonly facts: readonly AuditFacts[]
}

/** How many entries are added at once. */
export const MAX_APPENDED = 256

export interface AuditLogRpc extends Rpc.DurableObjectBranded {
  /** Returns when the entries are durable. Rejects if not all of them are; to repeat it adds nothing twice. */
  append(appended: AuditAppend): Promise<void>
  /** Its chains as they stand, less what is older than the tenant's retention. */
  chains(): Promise<readonly KeptChain[]>
  /** As `AuditLog` in audit-log.ts has it. */
  page(range: ChainRange): Promise<readonly string[]>
  /** The same, less what is older than the tenant's retention. */
  find(query: AuditQuery, limit: number): Promise<AuditPage>
}
