/** Settles a request when it is recorded: how it ended, and what its answer would have cost if somebody had to make it. */
import type { RequestEnd } from '../../shared/ledger/settlement.ts'
import type { Edge } from '../edge.ts'
import type { Settled } from './charge.ts'
import type { RequestRecord } from './record.ts'

/** Undefined where nothing was set aside: the request was refused before that, or somebody came back to an answer. */
export function settleRequest(entry: RequestRecord, { mesh }: Pick<Edge, 'mesh'>): Settled | undefined {
  const { charge } = entry.context
  return charge?.settle(endOf(entry, mesh), entry.more)
}

function endOf({ facts, end }: RequestRecord, { config }: Edge['mesh']): RequestEnd {
  if (facts === undefined || end === undefined) return {}
  const { outcome, usage, pools } = end
  const pool = config.pools.find(({ id }) => id === (pools?.at(-1) ?? facts.pool))
  return {
    answer: facts.outcome,
    outcome,
    ...(pool === undefined ? {} : { pool: pool.id, price: pool.price }),
    ...(usage === undefined ? {} : { counted: usage }),
    ...(pools === undefined ? {} : { pools: pools.length }),
  }
}
