/** The answer to a request that no log is asked for: this isolate calls the pools itself, for this reader alone. */
import { keyName } from '../../shared/affinity/pseudonym.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { base64Url } from '../../shared/fingerprint/bytes.ts'
import { requestDigest } from '../../shared/fingerprint/fingerprint.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Answered, LookedUp } from '../contexts.ts'
import { webCryptoDigests } from '../digests.ts'
import type { Edge } from '../edge.ts'
import { factsOf } from '../facts-of.ts'
import type { Patience } from '../patience.ts'
import { placedNow } from '../placed-now.ts'
import { poolSource } from '../stream/pool-source.ts'
import { knownHere } from './known-here.ts'
import { produce } from './produce.ts'

/** Fails with what dispatching failed with, or with `request_quarantined`. */
export async function makePrivately(
  context: LookedUp,
  edge: Edge,
  { endsByMs, signal }: Pick<Patience, 'endsByMs' | 'signal'>,
): Promise<Result<Answered, GatewayError>> {
  const { generation, modelVersion, edgeRegion, cacheSalt, tenant } = context
  const { runtime, poisoned } = edge
  if (poisoned.hasAny(tenant.id, runtime.now())) {
    const request = await digestOf(context, edge)
    if (poisoned.has(tenant.id, request, runtime.now())) return err({ reason: 'request_quarantined' })
  }
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
      endsByMs,
      signal,
      onPoison: () => edge.waitUntil(isolate(context, edge)),
      onUse: (use) => context.charge.use(use),
    },
    edge,
  )
  if (!produced.ok) return produced
  const { dispatched, ranking, answer } = produced.value
  const facts = factsOf({ dispatched, ranking, outcome: 'bypass', modelVersion, nowMs: runtime.now() })
  return ok({ ...context, answer: { facts, source: poolSource(answer, facts.pool) } })
}

async function isolate(context: LookedUp, edge: Edge): Promise<void> {
  const untilMs = edge.runtime.now() + edge.mesh.config.limits.quarantine_ms
  edge.poisoned.add(context.tenant.id, await digestOf(context, edge), untilMs)
}

async function digestOf({ generation, tenant }: LookedUp, edge: Edge): Promise<string> {
  const { key } = await edge.keys.of(tenant.id)
  return base64Url(await requestDigest(generation, key, webCryptoDigests))
}
