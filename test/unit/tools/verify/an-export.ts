/** Exported audit logs, as a mesh with some chains would write them. */
import { append, beginChain } from '../../../../shared/audit/chain.ts'
import { encodeEntry, encodeHeadsLine } from '../../../../shared/audit/export-lines.ts'
import { auditHeadsOf } from '../../../../shared/audit/signed-heads.ts'
import { someFacts } from '../../audit/a-chain.ts'
import { nodeDigests } from '../../fingerprint/node-digests.ts'
import { aSigner } from '../../workers/receipts/a-signer.ts'

export interface AnExport {
  /** How many entries each chain has. */
  readonly counts?: readonly number[]
  readonly tenant?: string
  readonly signer?: ReturnType<typeof aSigner>
  readonly nowMs?: number
}

/** Its lines: the first is what is signed. */
export async function anExport(options: AnExport = {}): Promise<string[]> {
  const { counts = [3, 2], tenant = 'acme', signer = aSigner(), nowMs = 1000 } = options
  const chains = await Promise.all(
    counts.map(async (count, index) => {
      const base = await beginChain(`${tenant}/${index}`, nodeDigests)
      const facts = Array.from({ length: count }, (_, number) => someFacts(number + 1))
      const { head, entries } = await append(base, facts, nodeDigests)
      return { entries, kept: { ...head, base } }
    }),
  )
  const heads = auditHeadsOf({
    issuer: 'https://mesh.example',
    tenant,
    chains: chains.map(({ kept }) => kept),
    nowMs,
  })
  return [
    encodeHeadsLine(await signer.signHeads(heads)),
    ...chains.flatMap(({ entries }) => entries.map((entry) => `${encodeEntry(entry)}\n`)),
  ]
}
