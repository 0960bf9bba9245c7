/** Whether the inputs may be sent to a pool: holds back what no pool could serve, and sets aside what they may cost. */
import { isClearlyTooLong } from '../../shared/admission/estimate.ts'
import { inputBytes } from '../../shared/embedding/input-size.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { costOf } from '../../shared/ledger/money.ts'
import { tokensIn } from '../../shared/pool/token-ratio.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { EmbeddingInput } from '../../shared/schema/embeddings-request.ts'
import type { Model } from '../../shared/schema/mesh.ts'
import type { Edge } from '../edge.ts'
import { openCharge } from '../stages/charge.ts'
import type { InputsAdmitted, InputsPlaced } from './contexts.ts'

/**
 * Each input has the model's context to itself. Fails with `context_length_exceeded`, or with what setting aside what they may
 * cost fails with.
 */
export async function admitInputs(
  context: InputsPlaced,
  edge: Edge,
): Promise<Result<InputsAdmitted, GatewayError>> {
  const { batch, model, tenant, keyId, placement } = context
  const isTooLong = batch.items.some((input) => hasNoRoom(input, model))
  if (isTooLong) return err({ reason: 'context_length_exceeded' })
  const bytes = batch.items.reduce((sum, input) => sum + inputBytes(input), 0)
  const tokens = { promptTokens: tokensIn(bytes, undefined), completionTokens: 0 }
  const charge = await openCharge(
    {
      tenant,
      keyId,
      model: model.id,
      microdollars: Math.max(...placement.pools.map(({ pool }) => costOf(pool.price, tokens))),
      tokens: tokens.promptTokens,
      isOpenEnded: false,
    },
    edge,
  )
  return charge.ok ? ok({ ...context, charge: charge.value }) : charge
}

function hasNoRoom(input: EmbeddingInput, model: Model): boolean {
  if (typeof input !== 'string') return input.length > model.context_length
  return isClearlyTooLong(inputBytes(input), model)
}
