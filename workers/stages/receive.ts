/** First stage: reads the request line and the headers, and nothing of the body. */
import { parseCacheDirectives } from '../../shared/cache/directives.ts'
import type { GatewayError } from '../../shared/errors.ts'
import { headerFactsOf } from '../../shared/residency/header-facts.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import type { MeshConfig } from '../../shared/schema/mesh.ts'
import type { Common, Incoming, Narrowing, Received } from '../contexts.ts'
import type { Edge } from '../edge.ts'

const MAX_HEADER_CHARACTERS = 256
const MILLISECONDS = /^[1-9][0-9]{0,6}$/
const WORDS = /^[A-Za-z0-9][A-Za-z0-9-]*(?: *, *[A-Za-z0-9][A-Za-z0-9-]*)*$/
const CACHE_HEADERS = ['x-mesh-cache', 'x-mesh-cache-ttl', 'cache-control'] as const
const VISIBLE = /^[\x21-\x7e]+$/
const WORD = /^[A-Za-z0-9][A-Za-z0-9-]*$/

/** Parses the narrowing headers. Fails with `invalid_header`: a narrowing that is not understood is not ignored. */
export function receive<Context extends Common<Incoming>>(
  incoming: Context,
  edge: Edge,
): Result<Context & Pick<Received, 'narrowing'>, GatewayError> {
  const narrowing = parseNarrowing(incoming.request.headers, edge.mesh.config)
  return narrowing.ok ? ok({ ...incoming, narrowing: narrowing.value }) : narrowing
}

function parseNarrowing(headers: Headers, { limits, rules }: MeshConfig): Result<Narrowing, GatewayError> {
  const cache = parseCacheDirectives(
    Object.fromEntries(CACHE_HEADERS.flatMap((name) => entryOf(headers, name))),
  )
  if (!cache.ok) return cache

  const residency = headers.get('x-mesh-residency')
  if (residency !== null && !isShort(residency, WORDS)) {
    return invalid('x-mesh-residency', 'a list of jurisdictions, regions or pools, such as "eu"')
  }
  const dataClass = headers.get('x-mesh-data-class')
  if (dataClass !== null && !isShort(dataClass, WORD)) {
    return invalid('x-mesh-data-class', 'one data class, such as "health"')
  }
  const timeout = headers.get('x-mesh-timeout-ms')
  if (timeout !== null && !MILLISECONDS.test(timeout)) {
    return invalid('x-mesh-timeout-ms', 'one whole number of milliseconds, 1 or more')
  }
  const resumable = headers.get('x-mesh-resumable')
  if (resumable !== null && resumable !== 'true' && resumable !== 'false') {
    return invalid('x-mesh-resumable', 'true or false')
  }
  const receipt = headers.get('x-mesh-receipt')
  if (receipt !== null && receipt !== 'true' && receipt !== 'false') {
    return invalid('x-mesh-receipt', 'true or false')
  }
  const idempotencyKey = headers.get('idempotency-key')
  if (idempotencyKey !== null && !isShort(idempotencyKey, VISIBLE)) {
    return invalid('idempotency-key', `1 to ${MAX_HEADER_CHARACTERS} visible characters`)
  }
  const affinity = headers.get('x-mesh-affinity')
  if (affinity !== null && !isShort(affinity, VISIBLE)) {
    return invalid('x-mesh-affinity', `1 to ${MAX_HEADER_CHARACTERS} visible characters`)
  }
  const facts = headerFactsOf(rules, (name) => headers.get(name))
  return ok({
    isResumable: resumable === 'true',
    wantsReceipt: receipt === 'true',
    ...(idempotencyKey === null ? {} : { idempotencyKey }),
    cache: cache.value,
    ...(affinity === null ? {} : { affinity }),
    ...(residency === null ? {} : { residency: residency.split(',').map((word) => word.trim()) }),
    ...(dataClass === null ? {} : { dataClass }),
    ...(Object.keys(facts).length === 0 ? {} : { headers: facts }),
    ...(timeout === null ? {} : { timeoutMs: Math.min(limits.total_ms, Number.parseInt(timeout, 10)) }),
  })
}

function entryOf(headers: Headers, name: string): [string, string][] {
  const value = headers.get(name)
  return value === null ? [] : [[name, value]]
}

function isShort(value: string, shape: RegExp): boolean {
  return value.length <= MAX_HEADER_CHARACTERS && shape.test(value)
}

function invalid(header: string, expected: string): Result<never, GatewayError> {
  return err({ reason: 'invalid_header', header, expected })
}
