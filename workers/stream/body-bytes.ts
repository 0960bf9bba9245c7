/** Reads a request's body within bounds of size, time and what the isolate can hold. */
import { concatBytes } from '../../shared/fingerprint/bytes.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Limits } from '../../shared/schema/mesh.ts'
import type { BodyBudget } from '../stores/body-budget.ts'

/**
 * Takes each chunk from the budget before it is kept; a failure gives everything back, a success leaves that to the caller.
 * Fails with `body_too_large`, `edge_busy`, `body_incomplete` where the connection broke, or `body_too_slow`: many
 * clients that drip would otherwise hold the whole budget for as long as they like.
 */
export async function readBodyBytes(
  request: Request,
  limits: Pick<Limits, 'max_body_bytes' | 'body_within_ms'>,
  budget: BodyBudget,
): Promise<Result<Uint8Array, GatewayError>> {
  const maxBytes = limits.max_body_bytes
  const declared = Number.parseInt(request.headers.get('content-length') ?? '0', 10)
  if (declared > maxBytes) return err({ reason: 'body_too_large', maxBytes })

  const chunks: Uint8Array[] = []
  let heldBytes = 0
  let isLate = false
  const reader = request.body?.getReader()
  const timer = setTimeout(() => {
    isLate = true
    void reader?.cancel().catch(() => undefined)
  }, limits.body_within_ms)

  async function readAll(): Promise<GatewayError | undefined> {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
      if (isLate) return { reason: 'body_too_slow' }
      if (done) return declared > heldBytes ? { reason: 'body_incomplete' } : undefined
      if (heldBytes + value.byteLength > maxBytes) return { reason: 'body_too_large', maxBytes }
      if (!budget.take(value.byteLength)) return { reason: 'edge_busy' }
      heldBytes += value.byteLength
      chunks.push(value)
    }
  }

  const error = await readAll().catch((): GatewayError => ({
    // The connection broke while the body was being sent, or the wait for it was ended.
    reason: isLate ? 'body_too_slow' : 'body_incomplete',
  }))
  clearTimeout(timer)
  if (error === undefined) return ok(concatBytes(chunks))
  budget.give(heldBytes)
  await reader?.cancel().catch(() => undefined)
  return err(error)
}
