/** Chains of entries to be tampered with. */
import { append, beginChain, type ChainHead } from '../../../shared/audit/chain.ts'
import type { AuditEntry, AuditFacts } from '../../../shared/audit/entry.ts'
import { nodeDigests } from '../fingerprint/node-digests.ts'

export const CHAIN = 'acme/eu-central/0'

export function someFacts(number: number, more: Partial<AuditFacts> = {}): AuditFacts {
  return {
    event: 'request',
    at: new Date(Date.UTC(2026, 10, 24, 15, 0, number)).toISOString(),
    request_id: `req_${number}`,
    decision: 'allowed',
    key: 'app',
    rules: ['eu-only'],
    pools: [{ pool: 'eu-1', region: 'eu-central', jurisdiction: 'eu' }],
    config: 'cfg_0123456789ab',
    cache: 'miss',
    outcome: 'completed',
    ...more,
  }
}

/** A chain, and where it stood after each of its entries; the first is before all of them. */
export async function aChain(
  count: number,
  chain = CHAIN,
): Promise<{ readonly entries: readonly AuditEntry[]; readonly heads: readonly ChainHead[] }> {
  const begun = await beginChain(chain, nodeDigests)
  const facts = Array.from({ length: count }, (_, index) => someFacts(index + 1))
  const { entries } = await append(begun, facts, nodeDigests)
  return { entries, heads: [begun, ...entries.map(({ seq, hash }) => ({ chain, seq, hash }))] }
}
