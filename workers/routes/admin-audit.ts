/** /admin/v1/tenants/{tenant}/audit: what a tenant's audit log says, by time or request, and all of it to be checked elsewhere. */
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { auditHeadsOf, type KeptChain } from '../../shared/audit/signed-heads.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { Tenant } from '../../shared/schema/mesh.ts'
import type { AppVariables } from '../app-variables.ts'
import { findEntries } from '../audit/find-entries.ts'
import { chainName, LOGS_PER_TENANT, logOfChain } from '../audit/tenant-logs.ts'
import type { Edge } from '../edge.ts'
import { failed } from '../error-response.ts'
import type { AuditPosition } from '../objects/audit-log.ts'
import type { AuditLogRpc } from '../objects/audit-log-rpc.ts'
import { exportAuditLog } from '../receipts/audit-export.ts'
import type { Signer } from '../receipts/signer.ts'
import { JSON_HEADERS } from '../response-headers.ts'

const MAX_LIMIT = 1000
/** Entries have less than a kilobyte: a page of them is far below what a call may carry. */
const EXPORT_PAGE_ENTRIES = 500

const moment = z.iso.datetime()
const QUERY = z.strictObject({
  from: moment.optional(),
  to: moment.optional(),
  request_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
  limit: z
    .string()
    .regex(/^[1-9][0-9]{0,3}$/)
    .transform(Number)
    .pipe(z.int().max(MAX_LIMIT))
    .default(100),
  after: z
    .string()
    .regex(/^[0-9]{1,15}\.[0-9]\.[0-9]{1,15}$/)
    .optional(),
})

const EXPECTED: Readonly<Record<string, string>> = {
  from: 'a time in UTC such as "2026-11-24T00:00:00Z"',
  to: 'a time in UTC such as "2026-11-25T00:00:00Z"',
  request_id: 'the id of a request, as x-request-id has it',
  limit: `a whole number from 1 to ${MAX_LIMIT}`,
  after: 'what the page before gave as next',
}

export function adminAuditRoutes(): Hono<AppVariables> {
  const routes = new Hono<AppVariables>()

  routes.get('/:tenant/audit', async (context) => {
    const log = await logOf(context)
    if (!log.ok) return failed(log.error)
    const query = QUERY.safeParse(context.req.query())
    if (!query.success) return failed(problemOf(query.error))
    const { from, to, request_id: requestId, limit, after } = query.data
    const { tenant, objects } = log.value
    const asked = {
      ...(from === undefined ? {} : { fromMs: Date.parse(from) }),
      ...(to === undefined ? {} : { toMs: Date.parse(to) }),
      ...(requestId === undefined ? {} : { requestId }),
      ...(after === undefined ? {} : { after: positionOf(after, tenant) }),
    }
    try {
      const { lines, next } = await findEntries(objects, asked, limit)
      // Entries are handed over as they are kept: canonical, so that their hashes can be made again.
      const cursor = JSON.stringify(next === undefined ? null : cursorOf(next, tenant))
      const body = `{"tenant":${JSON.stringify(tenant.id)},"entries":[${lines.join(',')}],"next":${cursor}}`
      return new Response(body, { headers: JSON_HEADERS })
    } catch {
      return failed({ reason: 'audit_unavailable' })
    }
  })

  /** JSON Lines, as `npm run verify -- audit` reads them. What is added meanwhile is not in it. */
  routes.get('/:tenant/audit/export', async (context) => {
    const edge = context.get('edge')
    const log = await logOf(context)
    if (!log.ok) return failed(log.error)
    if (edge.signer === undefined) return failed({ reason: 'signing_not_available' })
    const issuer = edge.mesh.config.receipts.issuer ?? new URL(context.req.url).origin
    const lines = exportLines(log.value, { issuer, signer: edge.signer }, edge)
    try {
      // Its first line needs all that may be down: what fails there fails with a status.
      const first = await lines.next()
      return new Response(streamOf(first, lines), {
        headers: { 'content-type': 'application/x-ndjson; charset=utf-8', 'cache-control': 'no-store' },
      })
    } catch {
      return failed({ reason: 'audit_unavailable' })
    }
  })
  return routes
}

interface OwnLog {
  readonly tenant: Tenant
  readonly objects: readonly Pick<AuditLogRpc, 'chains' | 'find' | 'page'>[]
}

/** Of a tenant whose log is switched off as well: there may be entries from before. */
async function logOf(
  context: Context<AppVariables, '/:tenant/audit'>,
): Promise<Result<OwnLog, GatewayError>> {
  const { mesh, audit } = context.get('edge')
  const tenant = mesh.tenants.get(context.req.param('tenant'))
  if (tenant === undefined) return err({ reason: 'not_found' })
  const home = audit.logs.homeOf(tenant)
  if (home === undefined) return err({ reason: 'storage_not_available' })
  try {
    return ok({ tenant, objects: await audit.logs.objects(tenant, home) })
  } catch {
    return err({ reason: 'audit_unavailable' })
  }
}

function exportLines(
  { tenant, objects }: OwnLog,
  { issuer, signer }: { readonly issuer: string; readonly signer: Signer },
  edge: Edge,
): AsyncGenerator<string, void> {
  const objectOf = (chain: string) => objects[logOfChain(tenant.id, chain) ?? LOGS_PER_TENANT]
  return exportAuditLog({
    log: {
      chains: async () => (await Promise.all(objects.map((object) => object.chains()))).flat(),
      page: (range) => objectOf(range.chain)?.page(range) ?? [],
    },
    sign: (chains: readonly KeptChain[]) =>
      signer.signHeads(auditHeadsOf({ issuer, tenant: tenant.id, chains, nowMs: edge.runtime.now() })),
    pageEntries: EXPORT_PAGE_ENTRIES,
  })
}

/** An object that fails in the middle cuts the export, which then is not whole for any verifier. */
function streamOf(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let next: Promise<IteratorResult<string, void>> | undefined = Promise.resolve(first)
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await (next ?? rest.next())
      next = undefined
      if (done === true) controller.close()
      else controller.enqueue(encoder.encode(value ?? ''))
    },
    async cancel() {
      await rest.return()
    },
  })
}

function cursorOf({ atMs, chain, seq }: AuditPosition, { id }: Tenant): string {
  return `${atMs}.${logOfChain(id, chain) ?? 0}.${seq}`
}

/** `cursor` has the form that `QUERY` asks for. */
function positionOf(cursor: string, { id }: Tenant): AuditPosition {
  const [atMs = 0, log = 0, seq = 0] = cursor.split('.').map(Number)
  return { atMs, chain: chainName(id, log), seq }
}

function problemOf(error: z.ZodError): GatewayError {
  const param = String(error.issues[0]?.path[0] ?? '')
  const expected = EXPECTED[param]
  return expected === undefined
    ? { reason: 'unsupported_parameter', where: 'The query' }
    : { reason: 'invalid_parameter', param, expected }
}
