/**
 * Sixth stage: whether the request may start. Holds back what no pool could serve and says what it may cost; budgets and
 * rate limits are charged against that here.
 */
import { estimateTokens, isClearlyTooLong } from '../../shared/admission/estimate.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Admitted, Placed } from '../contexts.ts'
import type { Edge } from '../edge.ts'

/** Fails with `context_length_exceeded`. */
export function admit(context: Placed, edge: Edge): Result<Admitted, GatewayError> {
  const { bodyBytes, model, generation } = context
  if (isClearlyTooLong(bodyBytes, model)) return err({ reason: 'context_length_exceeded' })
  const reserved = estimateTokens(bodyBytes, generation.tokenLimit, model, edge.mesh.config.limits)
  return ok({ ...context, reserved })
}
