/** Fifth stage, where a generation is asked for: whether what the client wants to come back to can be kept anywhere. */
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Narrowing, Placed } from '../contexts.ts'

/**
 * Fails with `storage_not_available`. A client that has asked by name for something that has to be stored relies on it: it is told
 * before a pool is, not left to find out when its connection drops. No SDK sends these headers by itself.
 */
export function checkStorage<Context extends Pick<Placed, 'home' | 'narrowing'>>(
  context: Context,
): Result<Context, GatewayError> {
  if (context.home === undefined && wantsToComeBack(context.narrowing)) {
    return err({ reason: 'storage_not_available' })
  }
  return ok(context)
}

/** For the rest of a stream, or for the same answer to the same request. */
export function wantsToComeBack({
  isResumable,
  idempotencyKey,
}: Pick<Narrowing, 'isResumable' | 'idempotencyKey'>): boolean {
  return isResumable || idempotencyKey !== undefined
}
