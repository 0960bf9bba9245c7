/** Writes a tenant's audit log out, so that it can be checked without us: what is signed of it, then all that this speaks of. */
import { encodeHeadsLine } from '../../shared/audit/export-lines.ts'
import type { KeptChain } from '../../shared/audit/signed-heads.ts'
import type { ChainRange } from '../objects/audit-log.ts'

/** Where the entries are: the log itself, or the object that has it. */
export interface AuditLogReader {
  chains(): Promise<readonly KeptChain[]> | readonly KeptChain[]
  page(range: ChainRange): Promise<readonly string[]> | readonly string[]
}

export interface AuditExportOptions {
  readonly log: AuditLogReader
  /** Signs what is known of the chains: `signHeads` over `auditHeadsOf`. */
  readonly sign: (chains: readonly KeptChain[]) => Promise<string>
  /** Entries that are read at once; each has some hundred bytes. */
  readonly pageEntries: number
}

/**
 * Pieces of the text, one at a time. Entries that are added meanwhile are not in it. If the front of a chain is deleted meanwhile,
 * because its time is over, the export shows a gap and has to be made again.
 */
export async function* exportAuditLog(options: AuditExportOptions): AsyncGenerator<string, void> {
  const { log, sign, pageEntries } = options
  const chains = await log.chains()
  yield encodeHeadsLine(await sign(chains))
  for (const { chain, seq: upTo, base } of chains) {
    for (let after = base.seq; after < upTo; after += pageEntries) {
      const lines = await log.page({ chain, after, upTo: Math.min(upTo, after + pageEntries) })
      yield lines.map((line) => `${line}\n`).join('')
    }
  }
}
