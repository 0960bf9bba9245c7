/**
 * What a request leaves in its tenant's audit log: one entry when it is over; of a strict tenant's, one that must be kept before its
 * answer begins, and one when it is over.
 */
import { auditWordOf } from '../../shared/audit/audit-word.ts'
import { factsOfDecision, factsOfEnd, type AuditedRequest } from '../../shared/audit/facts-of-request.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { Mesh } from '../mesh.ts'
import type { Runtime } from '../runtime.ts'
import type { RequestRecord } from '../stages/record.ts'
import type { AuditQueue } from './audit-queue.ts'
import type { TenantLogs } from './tenant-logs.ts'

/** Of one request. */
export interface AuditTrail {
  /**
   * Says whose request it is: until then it is nobody's, and nothing is noted of it. Fails with `storage_not_available` where
   * what is to be kept before every answer could be kept nowhere.
   */
  belongsTo(tenant: Tenant, keyId: string): Result<undefined, GatewayError>
  /**
   * To be called beside what makes the answer, and waited for before anything of it goes out. Resolves at once for who is
   * not strict. Fails with `audit_unavailable`.
   */
  decide(context: RequestRecord['context']): Promise<Result<undefined, GatewayError>>
  /** The request is over. Never throws. */
  note(record: RequestRecord): void
}

interface Owner {
  readonly tenant: Tenant
  readonly keyId: string
}

export function createAuditTrail(
  { logs, queue }: { readonly logs: TenantLogs; readonly queue: AuditQueue },
  { mesh, runtime }: { readonly mesh: Pick<Mesh, 'config'>; readonly runtime: Runtime },
  waitUntil: (work: Promise<unknown>) => void,
): AuditTrail {
  let owner: Owner | undefined
  let isDecided = false

  return {
    belongsTo(tenant, keyId) {
      const word = auditWordOf(tenant)
      const hasHome = word !== 'off' && logs.homeOf(tenant) !== undefined
      if (word === 'strict' && !hasHome) return err({ reason: 'storage_not_available' })
      if (hasHome) owner = { tenant, keyId }
      return ok(undefined)
    },

    async decide(context) {
      if (owner === undefined || auditWordOf(owner.tenant) !== 'strict') return ok(undefined)
      const facts = factsOfDecision(auditedRequest(context, owner), runtime.now())
      const appended = logs.append(owner.tenant, logs.pick(), [facts], context.edgeRegion)
      // A client that leaves must not leave it half done.
      waitUntil(appended)
      isDecided = await appended
      return isDecided ? ok(undefined) : err({ reason: 'audit_unavailable' })
    },

    note({ context, status, error, facts, end, isResumed }) {
      if (owner === undefined) return
      const event = isDecided ? 'end' : 'request'
      const atMs = isDecided ? runtime.now() : context.receivedAtMs
      const entry = factsOfEnd(
        auditedRequest(context, owner),
        {
          status,
          ...(error && { error }),
          ...(facts && { facts }),
          ...(end && { outcome: end.outcome }),
          ...(end?.pools && { pools: end.pools }),
          ...(isResumed && { isResumed }),
        },
        { event, atMs },
        mesh.config,
      )
      queue.add(owner.tenant, entry, waitUntil)
    },
  }
}

function auditedRequest(context: RequestRecord['context'], { tenant, keyId }: Owner): AuditedRequest {
  const { requestId, arrival, configVersion, surface, model, modelVersion, narrowing } = context
  const { edgeRegion, placement, home } = context
  return {
    requestId,
    tenant,
    keyId,
    arrival,
    configVersion,
    surface,
    // A model name is the client's text until it is found among the config's.
    ...(model && { model: model.id }),
    ...(modelVersion && { modelVersion }),
    ...(narrowing?.dataClass && { dataClass: narrowing.dataClass }),
    ...(edgeRegion && { edgeRegion: edgeRegion.id }),
    ...(placement && { placement }),
    ...(home && { home }),
  }
}
