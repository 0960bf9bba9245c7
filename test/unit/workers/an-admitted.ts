/** Admitted requests, and the log that each is found to belong to. */
import { parseCacheDirectives } from '../../../shared/cache/directives.ts'
import type { Lease } from '../../../shared/lease/lease.ts'
import { homeOf } from '../../../shared/residency/home.ts'
import { place } from '../../../shared/residency/place.ts'
import type { Admitted, Narrowing, Sharing } from '../../../workers/contexts.ts'
import type { Edge } from '../../../workers/edge.ts'
import { fingerprintRequest } from '../../../workers/stages/fingerprint.ts'
import { createTenantKeyring } from '../../../workers/tenant-keys.ts'
import { aMeshConfig } from '../../support/mesh-config.ts'
import { must, POOLS } from './a-dispatch.ts'

export const NOW_MS = 1_000_000
const KEYS = createTenantKeyring(new TextEncoder().encode('test fingerprint secret of 32 bytes or more'))
export const LEASE: Lease = {
  configVersion: 'cfg',
  tenant: 'demo',
  epoch: 3,
  wrappedKey: 'wrapped',
  expiresAtMs: NOW_MS + 1000,
}

export interface About {
  readonly tenant?: 'demo' | 'eu-bank'
  readonly config?: Readonly<Record<string, unknown>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  readonly isResumable?: boolean
  readonly idempotencyKey?: string
  readonly keyId?: string
  readonly run?: string
  readonly user?: string
  readonly tokenLimit?: number
  readonly narrow?: readonly string[]
  /** The data centre it arrives at. */
  readonly colo?: string
  readonly lease?: Lease | 'none'
  /** What the ledger grants when it is asked again. */
  readonly renewed?: Lease
  readonly hasHome?: boolean
}

export function setUp(about: About) {
  const { tenant: tenantId = 'demo', colo = 'FRA', narrow, hasHome = true } = about
  const config = aMeshConfig(
    Object.fromEntries(POOLS.map((id) => [id, `http://${id}.test`])),
    about.config ?? {},
  )
  const tenant = must(config.tenants.find(({ id }) => id === tenantId))
  const model = must(config.models[0])
  const edgeRegion = must(config.regions.find(({ colos }) => colos?.includes(colo)))
  const arrival = { host: 'edge.test', colo }
  const placed = place({ config, tenant, model, arrival, ...(narrow === undefined ? {} : { narrow }) })
  const placement = must(placed.ok ? placed.value : undefined)
  const cache = parseCacheDirectives(about.headers ?? {})
  const narrowing: Narrowing = {
    cache: must(cache.ok ? cache.value : undefined),
    isResumable: about.isResumable ?? false,
    wantsReceipt: false,
    ...(about.idempotencyKey === undefined ? {} : { idempotencyKey: about.idempotencyKey }),
  }
  const home = hasHome ? homeOf(placement, edgeRegion, { kind: 'dev' }) : undefined
  const lease = about.lease ?? LEASE
  // Of an admitted request, this stage reads what is here.
  const context = {
    tenant,
    model,
    placement,
    narrowing,
    keyId: about.keyId ?? 'k1',
    run: about.run ?? 'run 1',
    configVersion: 'cfg',
    generation: {
      surface: 'chat',
      model: 'story',
      stream: true,
      includeUsage: false,
      body: { messages: [{ role: 'user', content: 'Hi' }], temperature: 0, ...about.body },
      hints: about.user === undefined ? {} : { user: about.user },
      ...(about.tokenLimit === undefined ? {} : { tokenLimit: about.tokenLimit }),
    },
    ...(lease === 'none' ? {} : { lease }),
    ...(home === undefined ? {} : { home }),
  } as unknown as Admitted
  let holds = 0
  const edge = {
    keys: KEYS,
    runtime: { now: () => NOW_MS },
    mesh: { config, mode: { kind: 'dev' } },
    leases: {
      hold() {
        holds += 1
        return Promise.resolve(
          about.renewed === undefined ? { kind: 'unreachable' } : { kind: 'held', lease: about.renewed },
        )
      },
    },
    waitUntil: () => undefined,
  } as unknown as Edge
  return {
    context,
    edge,
    get holds() {
      return holds
    },
  }
}

export async function sharingOf(about: About = {}): Promise<Sharing> {
  const { context, edge } = setUp(about)
  return (await fingerprintRequest(context, edge)).sharing
}

export async function shared(about: About = {}) {
  const sharing = await sharingOf(about)
  return must(sharing.kind === 'shared' ? sharing : undefined)
}

export const nameOf = async (about: About = {}): Promise<string> => (await shared(about)).fingerprint
export const SAMPLED = { body: { temperature: 1 } }
