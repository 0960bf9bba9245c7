/** What an operator asks of a test mesh. */
import type { DescribedRanking } from '../../shared/routing/describe.ts'
import { ADMIN_TOKEN, type TestMesh } from './mesh.ts'

export interface AdminInit {
  readonly method?: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Explained extends DescribedRanking {
  readonly origin: string
  readonly model_version: string
  readonly restricted: boolean
  readonly rules: readonly string[]
  readonly snapshot_age_ms: number | null
  readonly picked: string | null
}

export interface Explaining {
  readonly query: Readonly<Record<string, string>>
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
  /** The data centre whose edge is asked; without it, the one in the query. */
  readonly at?: string
}

export interface SeenPool {
  readonly id: string
  readonly region: { readonly drained: boolean } | null
}

/** Asks the edge in a data centre; `path` begins behind /admin/v1. */
export function admin(mesh: TestMesh, colo: string, path: string, init: AdminInit = {}): Promise<Response> {
  const { method = 'GET', token = ADMIN_TOKEN, headers = {}, body } = init
  return mesh.fetch(colo, `/admin/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body }),
  })
}

/** POST …/route/explain, as it came. */
export function askToExplain(mesh: TestMesh, { query, body, headers, at }: Explaining): Promise<Response> {
  return admin(
    mesh,
    at ?? query['colo'] ?? 'FRA',
    `/route/explain?${new URLSearchParams(query).toString()}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    },
  )
}

/** The same, of a question that has an answer. */
export async function explain(mesh: TestMesh, explaining: Explaining): Promise<Explained> {
  const response = await askToExplain(mesh, explaining)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`not explained: ${response.status} ${text}`)
  return JSON.parse(text) as Explained
}

/** Takes a pool out of the mesh, or puts it back; gives the time within which that holds everywhere. */
export async function drain(mesh: TestMesh, colo: string, pool: string, isDrained: boolean): Promise<number> {
  const response = await admin(mesh, colo, `/pools/${pool}/drain`, { method: isDrained ? 'POST' : 'DELETE' })
  const answer = (await response.json()) as { holds_within_ms: number }
  return answer.holds_within_ms
}

/** Whether the region around a data centre has heard that a pool is out; undefined while it has heard nothing. */
export async function isKnownDrained(
  mesh: TestMesh,
  colo: string,
  pool: string,
): Promise<boolean | undefined> {
  const { pools } = (await (await admin(mesh, colo, '/pools')).json()) as { pools: readonly SeenPool[] }
  return pools.find(({ id }) => id === pool)?.region?.drained
}
