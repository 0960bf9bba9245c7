/**
 * What is signed of a tenant's audit log: all of its chains, from where they are kept and how far they go. One signature
 * over all of them, so that a whole chain cannot be left out unnoticed.
 */
import { z } from 'zod'
import type { ChainHead } from './chain.ts'

/** Media type in the signature's header (`typ`): a receipt cannot pass for this, nor this for a receipt. */
export const AUDIT_HEADS_TYPE = 'mesh-audit-heads+jwt'

const chainHash = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const position = z.object({ seq: z.int().min(0), hash: chainHash })

export const auditHeads = z.object({
  /** Who signs: the mesh's own address. */
  iss: z.string(),
  tenant: z.string(),
  /** When it was signed: ISO 8601 in UTC, with milliseconds. */
  at: z.iso.datetime({ precision: 3 }),
  chains: z.array(
    z.object({
      chain: z.string(),
      ...position.shape,
      /** The last entry that is no longer kept, and its hash: what is kept comes after it. Number 0: all is kept. */
      base: position,
    }),
  ),
})

export type AuditHeads = Readonly<z.output<typeof auditHeads>>

/** A chain as it is kept. */
export interface KeptChain extends ChainHead {
  readonly base: Omit<ChainHead, 'chain'>
}

export function auditHeadsOf(input: {
  readonly issuer: string
  readonly tenant: string
  readonly chains: readonly KeptChain[]
  readonly nowMs: number
}): AuditHeads {
  const { issuer, tenant, chains, nowMs } = input
  return {
    iss: issuer,
    tenant,
    at: new Date(nowMs).toISOString(),
    chains: chains.map(({ chain, seq, hash, base }) => ({
      chain,
      seq,
      hash,
      base: { seq: base.seq, hash: base.hash },
    })),
  }
}
