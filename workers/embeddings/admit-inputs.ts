/** Whether the inputs may be sent to a pool: holds back what no pool could serve. */
import { isClearlyTooLong } from '../../shared/admission/estimate.ts'
import { inputBytes } from '../../shared/embedding/input-size.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { EmbeddingInput } from '../../shared/schema/embeddings-request.ts'
import type { Model } from '../../shared/schema/mesh.ts'
import type { InputsPlaced } from './contexts.ts'

/** Each input has the model's context to itself. Fails with `context_length_exceeded`. */
export function admitInputs(context: InputsPlaced): Result<InputsPlaced, GatewayError> {
  const { batch, model } = context
  const isTooLong = batch.items.some((input) => hasNoRoom(input, model))
  return isTooLong ? err({ reason: 'context_length_exceeded' }) : ok(context)
}

function hasNoRoom(input: EmbeddingInput, model: Model): boolean {
  if (typeof input !== 'string') return input.length > model.context_length
  return isClearlyTooLong(inputBytes(input), model)
}
