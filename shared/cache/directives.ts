/** Reads what the client's headers say about caching. They can only narrow what the config allows. */
import type { GatewayError } from '../errors.ts'
import type { Result } from '../result.ts'
import { err, ok } from '../result.ts'

export interface CacheHeaders {
  readonly 'x-mesh-cache'?: string
  readonly 'x-mesh-cache-ttl'?: string
  readonly 'cache-control'?: string
}

export interface CacheDirectives {
  /** Whether an answer made earlier may be used. */
  readonly read: boolean
  /** Answer from the cache or not at all. */
  readonly onlyIfCached: boolean
  /** Why nothing is read or kept, if so. */
  readonly bypass?: 'off' | 'no_store'
  /** Oldest answer the client takes. */
  readonly maxAgeSeconds?: number
  /** Longest time the client lets its answer be kept. */
  readonly ttlSeconds?: number
}

const DEFAULTS: CacheDirectives = { read: true, onlyIfCached: false }

/** What each word of `x-mesh-cache` changes. */
const WORDS: Readonly<Record<string, Partial<CacheDirectives>>> = {
  on: {},
  off: { read: false, bypass: 'off' },
  refresh: { read: false },
  only: { onlyIfCached: true },
}

/** What each valueless directive of Cache-Control changes; RFC 9111 §5.2.3 has unknown ones ignored. */
const CACHE_CONTROL: Readonly<Record<string, Partial<CacheDirectives>>> = {
  'no-cache': { read: false },
  'no-store': { read: false, bypass: 'no_store' },
  'only-if-cached': { onlyIfCached: true },
}

/**
 * Folds the headers into one set of directives, each of which can only take something away. Fails with
 * `invalid_header` on a word, or a number of seconds, that cannot be read.
 */
export function parseCacheDirectives(headers: CacheHeaders): Result<CacheDirectives, GatewayError> {
  let directives = DEFAULTS

  const word = headers['x-mesh-cache']?.trim().toLowerCase()
  if (word !== undefined) {
    const change = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined
    if (change === undefined) return invalid('x-mesh-cache', 'one of on, off, refresh and only')
    directives = { ...directives, ...change }
  }

  const ttl = headers['x-mesh-cache-ttl']
  if (ttl !== undefined) {
    const ttlSeconds = seconds(ttl)
    if (ttlSeconds === undefined || ttlSeconds < 1) {
      return invalid('x-mesh-cache-ttl', 'a whole number of seconds, 1 or more')
    }
    directives = { ...directives, ttlSeconds }
  }

  for (const item of headers['cache-control']?.split(',') ?? []) {
    const [name = '', value] = item.trim().toLowerCase().split('=', 2)
    if (name === 'max-age') {
      const maxAgeSeconds = seconds(value ?? '')
      if (maxAgeSeconds === undefined) {
        return invalid('cache-control', 'a list of directives, max-age with a whole number of seconds')
      }
      directives = {
        ...directives,
        maxAgeSeconds: Math.min(maxAgeSeconds, directives.maxAgeSeconds ?? Infinity),
      }
    } else if (Object.hasOwn(CACHE_CONTROL, name)) {
      directives = { ...directives, ...CACHE_CONTROL[name] }
    }
  }
  return ok(directives)
}

/** RFC 9111 §1.2.2: digits only; the quoted form that §5.2 asks recipients to take is taken. */
function seconds(text: string): number | undefined {
  const digits = /^\s*"?(\d{1,10})"?\s*$/.exec(text)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

function invalid(header: string, expected: string): Result<never, GatewayError> {
  return err({ reason: 'invalid_header', header, expected })
}
