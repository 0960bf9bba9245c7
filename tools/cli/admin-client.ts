/** Asks a mesh's admin API. The token goes to the address that was given and nowhere else, and is never shown. */
import { isObject } from '../../shared/is-object.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { EXIT, printable, refused, type Outcome } from './outcome.ts'
import type { World } from './world.ts'

export interface MeshOptions {
  readonly url?: string
  readonly tokenFile?: string
}

export interface AdminRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON; text is sent as it is. */
  readonly body?: object | string
  readonly headers?: Readonly<Record<string, string>>
}

export interface AdminClient {
  /** `path` begins behind the mesh's address. Fails with what is to be told. */
  readonly ask: (path: string, request?: AdminRequest) => Promise<Result<unknown, Outcome>>
  readonly askText: (path: string, request?: AdminRequest) => Promise<Result<string, Outcome>>
  /** Without a slash at its end. */
  readonly url: string
}

/** A put returns when all older leases have ended, which takes seconds. */
const DEADLINE_MS = 60_000
const MAX_MESSAGE_CHARS = 2000
const TOKEN = /^[\x21-\x7e]{1,8192}$/

/** Reads address and token: flags before the environment. Fails with what is to be told. */
export function adminClient(options: MeshOptions, world: World): Result<AdminClient, Outcome> {
  const url = readUrl(options.url ?? world.environment['MESH_URL'])
  if (!url.ok) return err(refused(EXIT.usage, [url.error]))
  const token = readToken(options.tokenFile, world)
  if (!token.ok) return err(refused(EXIT.usage, [token.error]))
  const askText: AdminClient['askText'] = async (path, request = {}) => {
    const response = await send({ url: `${url.value}${path}`, token: token.value, request }, world)
    if (!response.ok) return err(notReached(url.value, response.error))
    const { status, text } = response.value
    return status >= 200 && status < 300 ? ok(text) : err(notDone(status, text))
  }
  return ok({
    url: url.value,
    askText,
    async ask(path, request) {
      const text = await askText(path, request)
      if (!text.ok) return text
      const value = parse(text.value)
      return value === undefined ? err(notReached(url.value, 'what answers there is no mesh')) : ok(value)
    },
  })
}

/** An address to which a token may be sent: https, or http on this machine. */
export function readUrl(text: string | undefined): Result<string, string> {
  if (text === undefined || text === '') {
    return err('Which mesh? Give --url https://mesh.example.com, or set MESH_URL.')
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return err('The address of the mesh is no URL such as https://mesh.example.com.')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return err('The address of the mesh has credentials, a query or a fragment: leave them out.')
  }
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'http:' && !isHere) {
    return err('The token is sent over http to this machine only: give an https address.')
  }
  return ok(`${url.origin}${url.pathname.replace(/\/+$/, '')}`)
}

function readToken(file: string | undefined, world: World): Result<string, string> {
  const text = file === undefined ? world.environment['MESH_ADMIN_TOKEN'] : world.read(file)
  if (text === undefined) {
    return err(
      file === undefined
        ? 'Who asks? Set MESH_ADMIN_TOKEN to the admin token, or give --token-file FILE.'
        : `${file} cannot be read.`,
    )
  }
  const token = text.trim()
  return TOKEN.test(token)
    ? ok(token)
    : err('The admin token is one line of printable characters without spaces.')
}

async function send(
  call: { readonly url: string; readonly token: string; readonly request: AdminRequest },
  world: World,
): Promise<Result<{ readonly status: number; readonly text: string }, string>> {
  const { method = 'GET', body, headers } = call.request
  try {
    const response = await world.fetch(call.url, {
      method,
      headers: {
        authorization: `Bearer ${call.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    if (response.status >= 300 && response.status < 400)
      return err('it sends elsewhere, and the token stays here')
    return ok({ status: response.status, text: await response.text() })
  } catch (error) {
    return err(reasonOf(error))
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'there is no way there',
  ENETUNREACH: 'there is no way there',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  TimeoutError: `it took longer than ${DEADLINE_MS / 1000} seconds`,
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection failed'
  const { cause, name } = error
  const code = isObject(cause) && typeof cause['code'] === 'string' ? cause['code'] : name
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|TLS|SSL/.test(code)) return 'its certificate is not to be trusted'
  return REASONS[code] ?? 'the connection failed'
}

function notReached(url: string, reason: string): Outcome {
  return refused(EXIT.unreachable, [`The mesh at ${url} cannot be reached: ${reason}.`], {
    code: 'unreachable',
  })
}

/** 403s that are about the request which is explained, or the tenant that is purged: not about who asks. */
const OF_REQUESTS = ['residency_violation', 'termination_not_allowed', 'storage_not_available']

/** What the mesh says of it, in its own words. */
function notDone(status: number, text: string): Outcome {
  const value = parse(text)
  const error = isObject(value) && isObject(value['error']) ? value['error'] : {}
  const code = typeof error['code'] === 'string' ? error['code'] : `http_${status}`
  const said = typeof error['message'] === 'string' ? error['message'].slice(0, MAX_MESSAGE_CHARS) : ''
  const message = printable(said === '' ? `The mesh answered with status ${status}.` : said)
  const details = { code, status, ...(isObject(value) ? { answer: value } : {}) }
  if (status === 401) {
    return refused(
      EXIT.unauthorized,
      ['The mesh does not take the admin token (MESH_ADMIN_TOKEN, or --token-file).'],
      details,
    )
  }
  if (status === 403 && !OF_REQUESTS.includes(code))
    return refused(EXIT.unauthorized, [`Not allowed: ${message}`], details)
  return refused(EXIT.failed, [`Refused (${printable(code)}): ${message}`], details)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
