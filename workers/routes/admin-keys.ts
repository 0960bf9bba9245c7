/** /admin/v1/tenants/{tenant}/keys: keys that are made, replaced and revoked while the mesh runs. A key is shown once. */
import { Hono, type Context } from 'hono'
import type { z } from 'zod'
import type { KeyProblem, ManagedKey } from '../../shared/access/managed-keys.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { tenantHome } from '../../shared/residency/tenant-home.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { formatKey } from '../../shared/schema/api-key.ts'
import { createKeySchema, rotateKeySchema } from '../../shared/schema/admin-keys.ts'
import type { MeshConfig, Tenant } from '../../shared/schema/mesh.ts'
import { recordAdminAct } from '../access/record-admin-act.ts'
import type { AppVariables } from '../app-variables.ts'
import { sha256Hex } from '../digests.ts'
import { failed } from '../error-response.ts'
import type { TenantLedgerRpc } from '../objects/tenant-ledger-rpc.ts'
import { readAdminBody } from './read-admin-body.ts'

/** 160 bits. */
const SECRET_BYTES = 20

type Asked = Context<AppVariables>

export function adminKeyRoutes(): Hono<AppVariables> {
  const keys = new Hono<AppVariables>()

  /** The config's and the managed ones, without anything of a secret. */
  keys.get('/:tenant/keys', async (context) => {
    const found = await ledgerOf(context)
    if (!found.ok) return failed(found.error)
    const { tenant, ledger } = found.value
    const managed = await ledger.listKeys()
    const inConfig = tenant.keys.map(({ id, data_classes: classes }) => ({
      id,
      from: 'config',
      state: managed.revoked.includes(id) ? 'revoked' : 'live',
      ...(classes === undefined ? {} : { data_classes: classes }),
    }))
    const gone = managed.revoked
      .filter((id) => !tenant.keys.some((key) => key.id === id))
      .map((id) => ({ id, from: 'ledger', state: 'revoked' }))
    return context.json({ keys: [...inConfig, ...managed.keys.map(shown), ...gone] })
  })

  keys.post('/:tenant/keys', async (context) => {
    const found = await ledgerOf(context)
    if (!found.ok) return failed(found.error)
    const body = await readAdminBody(context, createKeySchema)
    if (!body.ok) return failed(body.error)
    const { tenant, ledger } = found.value
    const scope = checkScope(body.value, tenant, context.get('edge').mesh.config)
    if (scope !== undefined) return failed(scope)
    const { runtime } = context.get('edge')
    const { id, expires_in_seconds: life, models, data_classes: dataClasses } = body.value
    const key = formatKey(tenant.id, runtime.randomHex(SECRET_BYTES))
    const made = await ledger.createKey(
      {
        id,
        sha256: await sha256Hex(key),
        ...(life === undefined ? {} : { expiresAtMs: runtime.now() + life * 1000 }),
        ...(models === undefined ? {} : { models }),
        ...(dataClasses === undefined ? {} : { dataClasses }),
      },
      configIds(tenant),
    )
    if (!made.ok) return refused(made.error)
    recordAdminAct(context, { act: 'key_created', tenant: tenant.id, key: id })
    return context.json({ ...shown(made.value), key }, 201)
  })

  keys.post('/:tenant/keys/:key/rotate', async (context) => {
    const found = await ledgerOf(context)
    if (!found.ok) return failed(found.error)
    const body = await readAdminBody(context, rotateKeySchema)
    if (!body.ok) return failed(body.error)
    const { tenant, ledger } = found.value
    const id = context.req.param('key')
    const key = formatKey(tenant.id, context.get('edge').runtime.randomHex(SECRET_BYTES))
    const overlapMs = body.value.overlap_seconds * 1000
    const change = { id, sha256: await sha256Hex(key), overlapMs }
    const changed = await ledger.rotateKey(change, configIds(tenant))
    if (!changed.ok) return refused(changed.error)
    recordAdminAct(context, { act: 'key_rotated', tenant: tenant.id, key: id })
    return context.json({ id, key, overlap_seconds: body.value.overlap_seconds })
  })

  /** Returns when nothing is served for the key any more. */
  keys.delete('/:tenant/keys/:key', async (context) => {
    const found = await ledgerOf(context)
    if (!found.ok) return failed(found.error)
    const { tenant, ledger } = found.value
    const id = context.req.param('key')
    const changed = await ledger.revokeKey(id, configIds(tenant))
    if (!changed.ok) return refused(changed.error)
    recordAdminAct(context, { act: 'key_revoked', tenant: tenant.id, key: id })
    return new Response(null, { status: 204 })
  })
  return keys
}

interface TenantAtHome {
  readonly tenant: Tenant
  readonly ledger: DurableObjectStub<TenantLedgerRpc>
}

async function ledgerOf(context: Asked): Promise<Result<TenantAtHome, GatewayError>> {
  const { mesh, stubs, keys } = context.get('edge')
  const tenant = mesh.tenants.get(context.req.param('tenant') ?? '')
  if (tenant === undefined) return err({ reason: 'not_found' })
  const home = tenantHome(tenant, mesh.config, mesh.mode)
  if (home === undefined) return err({ reason: 'storage_not_available' })
  const { objectName } = await keys.of(tenant.id)
  return ok({ tenant, ledger: stubs.tenantLedger(home, objectName) })
}

/** A key for what the tenant does not have would be good for nothing, and found out when it matters. */
function checkScope(
  { models, data_classes: classes }: z.output<typeof createKeySchema>,
  tenant: Tenant,
  config: MeshConfig,
): GatewayError | undefined {
  const own = tenant.models === '*' ? config.models.map(({ id }) => id) : tenant.models
  if (models?.some((model) => !own.includes(model)) === true) {
    return { reason: 'invalid_parameter', param: 'models', expected: 'a list of models of the tenant' }
  }
  if (classes?.some((name) => !tenant.data_classes.includes(name)) === true) {
    const expected = 'a list of data classes of the tenant'
    return { reason: 'invalid_parameter', param: 'data_classes', expected }
  }
  return undefined
}

function configIds(tenant: Tenant): readonly string[] {
  return tenant.keys.map(({ id }) => id)
}

function shown({ id, createdAtMs, expiresAtMs, previous, models, dataClasses }: ManagedKey) {
  return {
    id,
    from: 'ledger',
    state: 'live',
    created_at: new Date(createdAtMs).toISOString(),
    expires_at: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
    ...(previous === undefined ? {} : { overlap_until: new Date(previous.untilMs).toISOString() }),
    ...(models === undefined ? {} : { models }),
    ...(dataClasses === undefined ? {} : { data_classes: dataClasses }),
  }
}

function refused(reason: KeyProblem): Response {
  return failed({ reason })
}
