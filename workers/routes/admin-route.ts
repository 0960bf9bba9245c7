/**
 * POST /admin/v1/route/explain: which pool a request would go to, and why, without sending it. The body and the x-mesh
 * headers are those of the request; the query says whose it is and where it arrives.
 */
import { keyName } from '../../shared/affinity/pseudonym.ts'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import { cachePolicy } from '../../shared/cache/policy.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { edgeRegionOf, type Arrival } from '../../shared/residency/arrival.ts'
import { pickVersion } from '../../shared/fingerprint/model-version.ts'
import { requestDigest } from '../../shared/fingerprint/fingerprint.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { describeRanking } from '../../shared/routing/describe.ts'
import type { Region, Tenant } from '../../shared/schema/mesh.ts'
import type { AppVariables } from '../app-variables.ts'
import type { Incoming, Placed } from '../contexts.ts'
import type { Edge } from '../edge.ts'
import { webCryptoDigests } from '../digests.ts'
import { failed } from '../error-response.ts'
import { checkArrival } from '../stages/check-arrival.ts'
import { checkStorage } from '../stages/check-storage.ts'
import { isKept } from '../stages/fingerprint.ts'
import { mayKeepHere } from '../stages/may-keep-here.ts'
import { placeRequest } from '../stages/place.ts'
import { promptFor } from '../stages/prompt-for.ts'
import { rank } from '../stages/rank.ts'
import { readBody } from '../stages/read-body.ts'
import { receive } from '../stages/receive.ts'
import { regionSnapshot } from '../region-snapshot.ts'

/** Names of ours are at most 63 characters long; what platforms say of a place is shorter. */
const word = z
  .string()
  .regex(/^[A-Za-z0-9.-]{1,253}$/)
  .optional()
const QUERY = z.strictObject({
  tenant: word,
  key: word,
  colo: word,
  country: word,
  continent: word,
  host: word,
  surface: z.enum(['chat', 'completions']).default('chat'),
})

export function adminRouteRoutes(): Hono<AppVariables> {
  const routes = new Hono<AppVariables>()
  routes.post('/explain', async (context) => {
    const explained = await explain(context)
    return explained.ok ? context.json(explained.value) : failed(explained.error)
  })
  return routes
}

async function explain(context: Context<AppVariables>): Promise<Result<object, GatewayError>> {
  const edge = context.get('edge')
  const query = QUERY.safeParse(context.req.query())
  if (!query.success) {
    const param = String(query.error.issues[0]?.path[0] ?? 'query')
    return err({
      reason: 'invalid_parameter',
      param: param in QUERY.shape ? param : 'query',
      expected: EXPECTED,
    })
  }
  const tenant = edge.mesh.tenants.get(query.data.tenant ?? '')
  if (tenant === undefined) {
    return err({ reason: 'invalid_parameter', param: 'tenant', expected: 'the id of a tenant of the config' })
  }
  const { key } = query.data
  if (key !== undefined && !tenant.keys.some(({ id }) => id === key)) {
    return err({ reason: 'invalid_parameter', param: 'key', expected: 'the id of a key of the tenant' })
  }
  const understood = await understand(context, { ...query.data, tenant }, edge)
  if (!understood.ok) return understood
  const { placed, release } = understood.value
  try {
    return ok(await explainPlaced(placed, edge))
  } finally {
    release()
  }
}

const EXPECTED =
  'tenant, key, colo, country, continent, host or surface ("chat" or "completions"), in plain words'

type Asked = z.output<typeof QUERY>

/** As the pipeline would, but for the key, which stands in the query by its id. */
async function understand(
  context: Context<AppVariables>,
  asked: Omit<Asked, 'tenant'> & { readonly tenant: Tenant },
  edge: Edge,
): Promise<Result<{ placed: Placed; release: () => void }, GatewayError>> {
  const incoming: Incoming = {
    request: context.req.raw,
    requestId: context.get('requestId'),
    run: '',
    surface: asked.surface,
    receivedAtMs: edge.runtime.now(),
    arrival: arrivalFrom(asked, edge.runtime.arrivalOf(context.req.raw)),
    configVersion: await edge.mesh.configVersion(),
  }
  const received = receive(incoming, edge)
  if (!received.ok) return received
  const arrived = checkArrival({ ...received.value, tenant: asked.tenant, keyId: asked.key ?? '' }, edge)
  if (!arrived.ok) return arrived
  const read = await readBody(arrived.value, edge)
  if (!read.ok) return read
  const placed = placeRequest(read.value.context, edge)
  const storable = placed.ok ? checkStorage(placed.value) : placed
  if (storable.ok) return ok({ placed: storable.value, release: read.value.release })
  read.value.release()
  return storable
}

/** Where nothing is said of the place, this request's own. */
function arrivalFrom({ colo, country, continent, host }: Omit<Asked, 'tenant'>, here: Arrival): Arrival {
  const isHere = colo === undefined && country === undefined && continent === undefined
  return {
    ...(isHere ? here : {}),
    host: host ?? here.host,
    ...(colo === undefined ? {} : { colo }),
    ...(country === undefined ? {} : { country }),
    ...(continent === undefined ? {} : { continent }),
  }
}

async function explainPlaced(placed: Placed, edge: Edge): Promise<object> {
  const { tenant, model, generation, placement, narrowing, arrival, keyId } = placed
  const origin = originOf(placed, edge)
  const view = edge.pools.seenFrom(origin.id)
  const snapshot = await regionSnapshot(
    origin,
    edgeRegionOf(edge.runtime.arrivalOf(placed.request), edge.mesh.config.regions),
    edge,
  )
  if (snapshot !== undefined) view.accept(snapshot)
  const { cacheSalt, key: tenantKey } = await edge.keys.of(tenant.id)
  const digest = await requestDigest(generation, tenantKey, webCryptoDigests)
  const modelVersion = pickVersion(model.versions, digest)
  const prompt = promptFor({
    generation,
    modelVersion,
    cacheSalt,
    isRemembered: mayKeepHere(placement, arrival),
    ...(narrowing.affinity === undefined ? {} : { affinity: narrowing.affinity }),
  })
  const key = keyName(keyId, cacheSalt)
  const ranking = rank({ placement, modelVersion, generation, prompt, key, origin }, { ...edge, view })
  return {
    origin: origin.id,
    model_version: modelVersion,
    restricted: placement.restricted,
    rules: placement.rules,
    snapshot_age_ms: view.snapshotAtMs === undefined ? null : edge.runtime.now() - view.snapshotAtMs,
    picked: ranking.ranked[0]?.placed.pool.id ?? null,
    ...describeRanking(ranking),
  }
}

/**
 * What others may share, or the client may come back to, is made by a log, and pools are called from its home. Where one log
 * serves the world, its home follows from the fingerprint, which hangs on the tenant's lease: that is not asked for here.
 */
function originOf(placed: Placed, edge: Edge): Region {
  const { model, tenant, generation, narrowing, home, edgeRegion } = placed
  const policy = cachePolicy({ model, tenant, body: generation.body, directives: narrowing.cache })
  const isShared = isKept(policy, placed) && home !== undefined
  return (isShared ? edge.mesh.regions.get(home.region) : undefined) ?? edgeRegion
}
