/** Many requests of several tenants at once from everywhere, while pools go wrong under them; and what each of them was told. */
import { readAnswer } from './answer.ts'
import { startMarkedPool, type MarkedPool } from './marked-pools.ts'
import { aMeshConfig, KEYS, sha256 } from './mesh-config.ts'
import { startMesh, type TestMesh } from './mesh.ts'

/** Every pool says the same, so that any of them can go on where another one stopped. */
const WORD = 'onWARDq'
/** An answer takes a second and a half. */
const TOKEN_EVERY_MS = 50
const RULED_KEY = 'sk-mesh-ruled-0123456789abcdefghijABCDEFGHIJ'
export const COLOS = ['FRA', 'IAD', 'SIN'] as const
/** By a floor, by a rule, and not at all. */
export const TENANTS = ['eu-bank', 'ruled', 'demo'] as const
const KEY_OF = { ...KEYS, ruled: RULED_KEY } as const
const EU_POOLS = ['eu-a', 'eu-b'] as const
const OUTSIDE = ['us-east', 'ap-southeast'] as const
const FORMS = [
  { temperature: 1 },
  { temperature: 0, stream: true },
  { temperature: 0 },
  { temperature: 1, stream: true },
] as const

export interface ChaosMesh {
  readonly mesh: TestMesh
  readonly eu: readonly MarkedPool[]
  readonly others: readonly MarkedPool[]
  stop(): Promise<void>
}

/** What one request was told. */
export interface Told {
  readonly tenant: (typeof TENANTS)[number]
  readonly isStream: boolean
  readonly status: number
  readonly error: string | undefined
  readonly retryAfter: string | null
  /** Of a stream: whether `[DONE]` came last. */
  readonly isDone: boolean
  readonly words: number
}

export async function startChaosMesh(): Promise<ChaosMesh> {
  const started = [...EU_POOLS, ...OUTSIDE].map(
    async (id) => [id, await startMarkedPool(WORD, TOKEN_EVERY_MS)] as const,
  )
  const pools = Object.fromEntries(await Promise.all(started))
  const pool = (id: string): MarkedPool => {
    const found = pools[id]
    if (found === undefined) throw new Error('there is no such pool')
    return found
  }
  const mesh = await startMesh({
    colos: COLOS,
    pools: Object.fromEntries(Object.entries(pools).map(([id, { url }]) => [id, url])),
    config: configOf,
  })
  return {
    mesh,
    eu: EU_POOLS.map(pool),
    others: OUTSIDE.map(pool),
    async stop() {
      await mesh.stop()
      await Promise.all(Object.values(pools).map((each) => each.stop()))
    },
  }
}

let unique = 0

/** One of each tenant, data centre and form after the other; no two ask the same. */
export function manyRequests(mesh: TestMesh, count: number): Promise<Told>[] {
  return Array.from({ length: count }, async (_, index) => {
    const tenant = TENANTS[index % TENANTS.length] ?? 'demo'
    const colo = COLOS[Math.floor(index / TENANTS.length) % COLOS.length] ?? 'FRA'
    return askAs(mesh, tenant, colo, FORMS[(index + Math.floor(index / 9)) % FORMS.length] ?? {})
  })
}

export async function askAs(
  mesh: TestMesh,
  tenant: (typeof TENANTS)[number],
  colo: string,
  form: Readonly<Record<string, unknown>>,
): Promise<Told> {
  unique += 1
  const response = await mesh.fetch(colo, '/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY_OF[tenant]}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'story',
      messages: [{ role: 'user', content: `Question ${unique} of ${tenant}.` }],
      ...form,
    }),
  })
  const { status, headers } = response
  const body = await response.text()
  const { text, error } = await readAnswer(new Response(body, { status, headers }))
  return {
    tenant,
    isStream: headers.get('content-type')?.startsWith('text/event-stream') === true,
    status,
    error,
    retryAfter: headers.get('retry-after'),
    isDone: body.endsWith('data: [DONE]\n\n'),
    words: text.split(WORD).length - 1,
  }
}

/** Generations that a pool was asked for by tenants that may use the pools of the EU only. */
export function strayed(pools: readonly MarkedPool[]): number {
  const isRestricted = (text: string): boolean => text.includes(' of eu-bank.') || text.includes(' of ruled.')
  return pools.flatMap(({ received }) => received).filter(({ text }) => isRestricted(text)).length
}

export function askedOf(pools: readonly MarkedPool[]): number {
  return pools.flatMap(({ received }) => received).filter(({ method }) => method === 'POST').length
}

function configOf(urls: Readonly<Record<string, string>>) {
  const anywhere = { floor: { anywhere: true }, continuation: 'always' }
  const keysOf = (key: string) => [{ id: 'k1', sha256: sha256(key) }]
  return aMeshConfig(urls, {
    pools: [...EU_POOLS, ...OUTSIDE].map((id) => ({
      id,
      region: id.startsWith('eu-') ? 'eu-central' : id,
      dialect: 'vllm',
      url: `${urls[id]}/v1`,
      models: [{ model: 'story', served: 'story-8b' }],
    })),
    tenants: [
      { id: 'demo', ...anywhere, keys: keysOf(KEYS.demo) },
      { id: 'ruled', ...anywhere, keys: keysOf(RULED_KEY) },
      { id: 'eu-bank', floor: { jurisdictions: ['eu'] }, keys: keysOf(KEYS['eu-bank']) },
    ],
    rules: [{ id: 'ruled-in-the-eu', match: { tenants: ['ruled'] }, only: { jurisdictions: ['eu'] } }],
    // So that nobody is refused for how many others have failed.
    routing: { log_share: 0, retry_share: 1 },
    // So that a pool that stalls is given up soon, and that no stream is committed before there is something to say.
    limits: { idle_ms: 1500, first_token_ms: 4000, commit_after_ms: 60_000 },
  })
}
