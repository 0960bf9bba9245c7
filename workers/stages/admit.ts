/**
 * Sixth stage: whether the request may start. Holds back what no pool could serve, and sets aside what it may cost: that is
 * what budgets and rate limits are charged against.
 */
import { estimateTokens, isClearlyTooLong } from '../../shared/admission/estimate.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { costOf } from '../../shared/ledger/money.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Admitted, Placed } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { openCharge } from './charge.ts'

/** Fails with `context_length_exceeded`, `rate_limit_exceeded`, `insufficient_quota` or `limits_unavailable`. */
export async function admit(context: Placed, edge: Edge): Promise<Result<Admitted, GatewayError>> {
  const { bodyBytes, model, generation, tenant, keyId, placement } = context
  const { tokenLimit, body } = generation
  if (isClearlyTooLong(bodyBytes, model)) return err({ reason: 'context_length_exceeded' })
  const usual = edge.accounts.usualOutput(tenant.id, model.id)
  const reserved = estimateTokens(bodyBytes, tokenLimit, model, edge.mesh.config.limits, usual)
  const choices = typeof body['n'] === 'number' ? body['n'] : 1
  const tokens = { promptTokens: reserved.promptTokens, completionTokens: choices * reserved.outputTokens }
  const charge = await openCharge(
    {
      tenant,
      keyId,
      model: model.id,
      // Nobody knows yet who will answer: what is set aside is enough for the dearest.
      microdollars: Math.max(...placement.pools.map(({ pool }) => costOf(pool.price, tokens))),
      tokens: tokens.promptTokens + tokens.completionTokens,
      isOpenEnded: tokenLimit === undefined,
    },
    edge,
  )
  return charge.ok ? ok({ ...context, reserved, charge: charge.value }) : charge
}
