/** Finishes an answer for one reader whose log was lost, from the text that the reader has. */
import { keyName } from '../../shared/affinity/pseudonym.ts'
import { FINISH } from '../../shared/log/length-cut.ts'
import type { Edge } from '../edge.ts'
import type { Patience } from '../patience.ts'
import { placedNow } from '../placed-now.ts'
import type { BegunAnswer } from '../outgoing/ask-pool.ts'
import type { AnswerSource } from '../stream/answer-source.ts'
import { poolSource } from '../stream/pool-source.ts'
import type { Fingerprinted } from '../contexts.ts'
import { knownHere } from './known-here.ts'
import { mayContinue, produce } from './produce.ts'

/** Undefined where the answer is of a kind that no pool can go on with, or its tenant does not wish it. */
export function goOnPrivately(
  context: Fingerprinted,
  edge: Edge,
  { signal, endsByMs }: Pick<Patience, 'signal' | 'endsByMs'>,
): ((begun: BegunAnswer) => Promise<AnswerSource | undefined>) | undefined {
  const { generation, tenant, modelVersion, cacheSalt, edgeRegion } = context
  const { tokenLimit, surface } = generation
  if (!mayContinue(generation, tenant)) return undefined
  return async (begun) => {
    // Of nothing there is nothing to go on from: it is asked for from the start.
    const isNothing = begun.text === ''
    if (!isNothing && tokenLimit !== undefined && begun.tokens === undefined) return undefined
    if (tokenLimit !== undefined && begun.tokens === tokenLimit) return finished(FINISH[surface], begun)
    const produced = await produce(
      {
        placement: () => placedNow(context, edge),
        tenant,
        generation,
        modelVersion,
        cacheSalt,
        key: keyName(context.keyId, cacheSalt),
        origin: edgeRegion,
        ...knownHere(context),
        ...(isNothing ? {} : { begun }),
        endsByMs,
        signal,
        onPoison: () => undefined,
        onUse: (use) => context.charge.use(use),
      },
      edge,
    )
    if (!produced.ok) return undefined
    return poolSource(produced.value.answer, produced.value.dispatched.candidate.placed.pool.id)
  }
}

/** It had said everything but that this was the end. */
function finished(finish: string, { usage }: BegunAnswer): AnswerSource {
  return {
    next: () => Promise.resolve({ members: [finish], outcome: 'completed', ...(usage && { usage }) }),
    cancel: () => undefined,
  }
}
