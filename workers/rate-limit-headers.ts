/** The headers that say what is left of the minute: `x-ratelimit-…`, in OpenAI's form, on every answer to a limited tenant. */
import type { Terms } from '../shared/ledger/terms.ts'
import type { Edge } from './edge.ts'
import type { RequestRecord } from './stages/record.ts'
import { accountsOf } from './stages/charge.ts'

/**
 * Adds them, by what this isolate knows: other isolates have their own slices of the same limits. Of a tenant's limits and a
 * key's, those of the key are told where it has some.
 */
export function withRateLimits(
  response: Response,
  { tenant, keyId }: Pick<RequestRecord['context'], 'tenant' | 'keyId'>,
  { accounts }: Pick<Edge, 'accounts'>,
): Response {
  if (tenant === undefined || keyId === undefined) return response
  for (const account of accountsOf(tenant, keyId)) {
    const left = accounts.remaining(account)
    setHeaders(response.headers, 'requests', account.terms.requestsPerMinute, left.requests)
    setHeaders(response.headers, 'tokens', account.terms.tokensPerMinute, left.tokens)
  }
  return response
}

function setHeaders(
  headers: Headers,
  what: 'requests' | 'tokens',
  limit: Terms['requestsPerMinute'],
  left: number | undefined,
): void {
  if (limit === undefined) return
  // What others had is in their levels; of a lower limit there may be more left than there is.
  const remaining = Math.max(0, Math.min(limit, left ?? limit))
  headers.set(`x-ratelimit-limit-${what}`, String(limit))
  headers.set(`x-ratelimit-remaining-${what}`, String(Math.floor(remaining)))
  headers.set(
    `x-ratelimit-reset-${what}`,
    durationOf(limit === 0 ? 0 : ((limit - remaining) / limit) * 60_000),
  )
}

/** Such as `1s`, `120ms` or `1m0s`. */
export function durationOf(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`
  const seconds = Math.ceil(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
