/** What the vectors of an answer cost, and what those saved that nobody had to make. */
import { costOf } from '../../shared/ledger/money.ts'
import { entryOfUse } from '../../shared/ledger/settlement.ts'
import { NO_USAGE, type UsageEntry } from '../../shared/ledger/usage.ts'
import { tokensIn } from '../../shared/pool/token-ratio.ts'
import { inputBytes } from '../../shared/embedding/input-size.ts'
import type { Edge } from '../edge.ts'
import type { VectorsAnswer } from './answer.ts'
import type { ItemEntries } from './contexts.ts'

export function usageOf(answer: VectorsAnswer, { mesh }: Pick<Edge, 'mesh'>): readonly UsageEntry[] {
  const { context, known, making } = answer
  const whose = { key: context.keyId, model: context.model.id }
  const saved = [...known].map(([number, entry]) => {
    const price = mesh.config.pools.find(({ id }) => id === entry.pool)?.price
    const tokens = { promptTokens: tokensOfItems(new Map([[number, entry]]), answer), completionTokens: 0 }
    return price === undefined ? 0 : costOf(price, tokens)
  })
  const savedHit = saved.reduce((sum, each) => sum + each, 0)
  const hits = savedHit === 0 ? [] : [{ ...NO_USAGE, ...whose, pool: '', kind: 'hit', savedHit }]
  if (making === undefined) return hits
  const { pool } = making.candidate.placed
  const seen = { promptTokens: tokensOfItems(making.entries, answer), completionTokens: 0 }
  return [
    entryOfUse({ pool: pool.id, price: pool.price, outcome: 'completed', pools: 1, seen }, whose),
    ...hits,
  ]
}

/** As the pools counted, or as the inputs' sizes say where one did not. */
function tokensOfItems(entries: ItemEntries, { context }: VectorsAnswer): number {
  let tokens = 0
  for (const [number, { promptTokens }] of entries) {
    const input = context.batch.items[number]
    tokens += promptTokens ?? (input === undefined ? 0 : tokensIn(inputBytes(input), undefined))
  }
  return tokens
}
