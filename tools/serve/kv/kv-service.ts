/**
 * KV on one's own machine: the HTTP protocol that workerd's `kvNamespace` binding speaks, over a Durable Object per namespace. A
 * write is read at once, and what has ended is deleted, not only hidden.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers'
import { kvRows, type KvRow, type KvRows } from './kv-rows.ts'

/** Those of Cloudflare's KV. */
const MAX_KEYS_PER_READ = 100
const MAX_KEYS_PER_LIST = 1000

interface KvEnvironment {
  readonly KV_STORE: DurableObjectNamespace
}

// workerd calls the entry of a Worker by this name.
// oxlint-disable-next-line import/no-default-export
export default class KvService extends WorkerEntrypoint<KvEnvironment> {
  override fetch(request: Request): Promise<Response> {
    // The config sets it, per binding.
    const { namespace } = this.ctx.props as { readonly namespace: string }
    return this.env.KV_STORE.getByName(namespace).fetch(request)
  }
}

export class KvStore extends DurableObject<KvEnvironment> {
  readonly #rows: KvRows

  constructor(state: DurableObjectState, env: KvEnvironment) {
    super(state, env)
    this.#rows = kvRows(state.storage.sql)
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const path = pathname.slice(1)
    if (request.method === 'POST' && path === 'bulk/get') return this.#getMany(request)
    const key = searchParams.has('urlencoded') ? decodeURIComponent(path) : path
    switch (request.method) {
      case 'GET':
        return key === '' ? this.#list(searchParams) : this.#get(key)
      case 'PUT':
        return this.#put(key, request, searchParams)
      case 'DELETE':
        this.#rows.remove(key)
        return new Response()
      default:
        return new Response(null, { status: 405 })
    }
  }

  override async alarm(): Promise<void> {
    this.#rows.removeEnded(nowSeconds())
    await this.#wakeAtNextEnd()
  }

  #get(key: string): Response {
    const row = this.#rows.get(key, nowSeconds())
    if (row === undefined) return new Response(null, { status: 404 })
    const headers = new Headers()
    if (row.metadata !== null) headers.set('CF-KV-Metadata', row.metadata)
    if (row.expiration !== null) headers.set('CF-Expiration', String(row.expiration))
    return new Response(row.value, { headers })
  }

  async #put(key: string, request: Request, parameters: URLSearchParams): Promise<Response> {
    const value = await request.arrayBuffer()
    const timeToLive = numberOf(parameters, 'expiration_ttl')
    const expiration =
      numberOf(parameters, 'expiration') ?? (timeToLive === undefined ? null : nowSeconds() + timeToLive)
    this.#rows.put({ key, value, expiration, metadata: request.headers.get('CF-KV-Metadata') })
    await this.#wakeAtNextEnd()
    return new Response()
  }

  async #getMany(request: Request): Promise<Response> {
    // The binding writes this body, not a client.
    const { keys, type, withMetadata }: BulkRead = await request.json()
    if (keys.length > MAX_KEYS_PER_READ) return new Response(null, { status: 400 })
    const answers = keys.map((key) => {
      const row = this.#rows.get(key, nowSeconds())
      if (row === undefined) return [key, null]
      const text = new TextDecoder().decode(row.value)
      const value: unknown = type === 'json' ? JSON.parse(text) : text
      return [key, withMetadata === true ? { value, metadata: metadataOf(row) } : value]
    })
    return Response.json(Object.fromEntries(answers))
  }

  #list(parameters: URLSearchParams): Response {
    const limit = Math.min(numberOf(parameters, 'key_count_limit') ?? MAX_KEYS_PER_LIST, MAX_KEYS_PER_LIST)
    const found = this.#rows.list({
      prefix: parameters.get('prefix') ?? '',
      after: decodeURIComponent(parameters.get('cursor') ?? ''),
      limit: limit + 1,
      nowSeconds: nowSeconds(),
    })
    const keys = found.slice(0, limit)
    const isWhole = found.length <= limit
    return Response.json({
      keys: keys.map((row) => ({
        name: row.key,
        ...(row.expiration === null ? {} : { expiration: row.expiration }),
        ...(row.metadata === null ? {} : { metadata: metadataOf(row) }),
      })),
      list_complete: isWhole,
      ...(isWhole ? {} : { cursor: encodeURIComponent(keys.at(-1)?.key ?? '') }),
      cacheStatus: null,
    })
  }

  async #wakeAtNextEnd(): Promise<void> {
    const end = this.#rows.nextEnd()
    if (end === undefined) return
    const atMs = end * 1000
    const planned = await this.ctx.storage.getAlarm()
    if (planned === null || planned > atMs) await this.ctx.storage.setAlarm(atMs)
  }
}

interface BulkRead {
  readonly keys: readonly string[]
  readonly type?: string
  readonly withMetadata?: boolean
}

function metadataOf({ metadata }: KvRow): unknown {
  return metadata === null ? null : JSON.parse(metadata)
}

function numberOf(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name)
  return text === null ? undefined : Number(text)
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
