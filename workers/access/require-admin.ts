/** Lets through to the administration who may: the admin token everywhere, an issuer's token where its role allows. */
import type { Context, MiddlewareHandler } from 'hono'
import { neededPermission } from '../../shared/access/admin-permissions.ts'
import { isPermitted, type Principal } from '../../shared/access/role.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { edgeRegionOf } from '../../shared/residency/arrival.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { AppVariables } from '../app-variables.ts'
import { isEqualSecret, sha256Hex } from '../digests.ts'
import { failed } from '../error-response.ts'
import { clientAddress } from '../stages/authenticate.ts'
import { looksLikeToken } from './bearer-tokens.ts'

const BEARER = /^Bearer +([\x21-\x7e]{1,8192})$/i
const PREFIX = '/admin/v1'

export const requireAdmin: MiddlewareHandler<AppVariables> = async (context, next) => {
  const principals = await principalsOf(context)
  if (!principals.ok) return failed(principals.error)
  const needed = neededPermission(context.req.method, context.req.path.slice(PREFIX.length))
  const principal = principals.value.find(
    (each) =>
      each.role === 'root' || (needed !== undefined && isPermitted(each, needed.permission, needed.tenant)),
  )
  if (principal === undefined) return failed({ reason: 'admin_forbidden' })
  context.set('principal', principal)
  await next()
  return undefined
}

/** All that the bearer is; at least one. Fails with `admin_unauthorized`, `too_many_wrong_keys` or `issuer_unavailable`. */
async function principalsOf(
  context: Context<AppVariables>,
): Promise<Result<readonly Principal[], GatewayError>> {
  const { mesh, tokens, guesses, runtime, waitUntil } = context.get('edge')
  const credential = BEARER.exec(context.req.header('authorization') ?? '')?.[1] ?? ''
  const digest = await sha256Hex(credential)
  const address = clientAddress(context.req.raw.headers)
  if (guesses.isSlowed(address, digest)) return err({ reason: 'too_many_wrong_keys' })
  if (await isEqualSecret(credential, mesh.adminToken)) {
    guesses.wasRight(digest)
    return ok([{ who: 'token', role: 'root' }])
  }
  if (!looksLikeToken(credential)) {
    guesses.wasWrong(address, waitUntil)
    return err({ reason: 'admin_unauthorized' })
  }
  const from = edgeRegionOf(runtime.arrivalOf(context.req.raw), mesh.config.regions)
  const bearer = await tokens.of(credential, mesh.config.oidc, from)
  if (!bearer.ok) {
    return err({ reason: bearer.error === 'unavailable' ? 'issuer_unavailable' : 'admin_unauthorized' })
  }
  const { who, grants } = bearer.value
  const principals = grants.flatMap(({ role, tenant }): Principal[] =>
    role === 'client' ? [] : [{ who, role, ...(tenant === undefined ? {} : { tenant }) }],
  )
  return principals.length === 0 ? err({ reason: 'admin_unauthorized' }) : ok(principals)
}
