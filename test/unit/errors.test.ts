/** Every reason with what goes on the wire for it: which status, and what an SDK that retries by itself does then. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isGatewayError, toWire, type ErrorReason, type GatewayError } from '../../shared/errors.ts'

type Row = readonly [status: number, shouldRetry: 'true' | 'false' | 'absent', retryAfter?: string]
type Rest<R extends ErrorReason> = Omit<Extract<GatewayError, { readonly reason: R }>, 'reason'>

const EXPECTED = {
  invalid_json: [400, 'absent'],
  invalid_utf8: [400, 'absent'],
  duplicate_key: [400, 'absent'],
  body_too_deep: [400, 'absent'],
  body_incomplete: [400, 'true'],
  body_too_slow: [408, 'true'],
  body_too_large: [413, 'absent'],
  unsupported_media_type: [415, 'absent'],
  missing_parameter: [400, 'absent'],
  invalid_parameter: [400, 'absent'],
  unsupported_parameter: [400, 'absent'],
  invalid_header: [400, 'absent'],
  context_length_exceeded: [400, 'absent'],
  pool_rejected_request: [400, 'absent'],
  missing_api_key: [401, 'absent'],
  invalid_api_key: [401, 'absent'],
  admin_unauthorized: [401, 'absent'],
  admin_forbidden: [403, 'false'],
  issuer_unavailable: [503, 'true', '5'],
  termination_not_allowed: [403, 'false'],
  residency_violation: [403, 'false'],
  storage_not_available: [403, 'false'],
  receipt_not_available: [400, 'absent'],
  not_found: [404, 'absent'],
  method_not_allowed: [405, 'absent'],
  model_not_found: [404, 'absent'],
  not_cached: [504, 'false'],
  run_not_found: [404, 'absent'],
  receipt_not_found: [404, 'absent'],
  idempotency_key_conflict: [409, 'false'],
  key_exists: [409, 'false'],
  key_in_config: [409, 'false'],
  key_not_found: [404, 'absent'],
  too_many_keys: [409, 'false'],
  too_many_wrong_keys: [429, 'false', '60'],
  request_quarantined: [422, 'false'],
  rate_limit_exceeded: [429, 'true', '3'],
  insufficient_quota: [429, 'false'],
  limits_unavailable: [503, 'true', '1'],
  config_not_stored: [409, 'false'],
  invalid_config: [422, 'false'],
  config_cases_failed: [422, 'false'],
  config_conflict: [409, 'false'],
  widening_not_accepted: [409, 'false'],
  orphans_not_accepted: [409, 'false'],
  config_version_not_found: [404, 'false'],
  config_version_not_usable: [409, 'false'],
  edge_busy: [503, 'true', '1'],
  config_unavailable: [503, 'true', '1'],
  audit_unavailable: [503, 'true', '1'],
  signing_not_available: [503, 'false'],
  run_unavailable: [503, 'true', '1'],
  no_eligible_pool: [503, 'true', '7'],
  pool_timeout: [504, 'true'],
  pool_misconfigured: [502, 'false'],
  client_cancelled: [499, 'false'],
  internal_error: [500, 'true'],
  stream_truncated: [502, 'true'],
  stream_stalled: [504, 'true'],
  pool_stream_error: [502, 'true'],
  total_timeout: [504, 'false'],
} as const satisfies Record<ErrorReason, Row>

const REASONS = Object.keys(EXPECTED) as ErrorReason[]

/** What the arms of some reasons hold besides the reason. */
const RESTS: { readonly [R in ErrorReason]?: Rest<R> } = {
  duplicate_key: { position: 12 },
  body_too_deep: { maxDepth: 32 },
  body_too_large: { maxBytes: 1024 },
  missing_parameter: { param: 'messages' },
  invalid_parameter: { param: 'top_p', expected: 'a number from 0 to 1' },
  invalid_header: { header: 'x-mesh-cache', expected: 'one of on and off' },
  method_not_allowed: { allow: 'GET' },
  receipt_not_available: { because: 'no_key' },
  no_eligible_pool: { retryAfterSeconds: 7 },
  rate_limit_exceeded: { limit: 'requests', retryAfterSeconds: 2.5 },
  invalid_config: { mistakes: 2 },
  config_cases_failed: { failed: 3 },
  config_conflict: { current: 'cfg_0123456789ab' },
}

function errorOf(reason: ErrorReason): GatewayError {
  const error: unknown = { reason, ...RESTS[reason] }
  if (!isGatewayError(error)) throw new Error(`no such reason: ${reason}`)
  return error
}

describe('each reason', () => {
  test.each(REASONS)('%s', (reason) => {
    const { status, body, headers } = toWire(errorOf(reason))
    const [, , retryAfter]: Row = EXPECTED[reason]
    expect([status, headers['x-should-retry'] ?? 'absent', headers['retry-after']]).toEqual([
      ...EXPECTED[reason].slice(0, 2),
      retryAfter,
    ])
    expect(body.error.code).toBe(reason)
    expect(body.error.message).toMatch(/^[A-Z].*\.$/)
  })

  test('that SDKs retry by its status says whether that helps', () => {
    const retried = REASONS.filter((reason) => {
      const { status } = toWire(errorOf(reason))
      return status >= 500 || [408, 409, 429].includes(status)
    })
    const silent = retried.filter((reason) => toWire(errorOf(reason)).headers['x-should-retry'] === undefined)
    expect(silent).toEqual([])
  })
})

describe('a wait', () => {
  test.each([
    [0, '1', 'true'],
    [0.2, '1', 'true'],
    [12.1, '13', 'true'],
    [60, '60', 'true'],
    [60.5, '60', 'false'],
    [86_400, '60', 'false'],
    [Infinity, '60', 'false'],
  ])('of %d s is told as %s, with x-should-retry: %s', (retryAfterSeconds, told, shouldRetry) => {
    const { headers } = toWire({ reason: 'no_eligible_pool', retryAfterSeconds })
    expect(headers).toEqual({ 'retry-after': told, 'x-should-retry': shouldRetry })
  })

  test('is never longer than a minute, and never none', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (retryAfterSeconds) => {
        const { headers } = toWire({ reason: 'no_eligible_pool', retryAfterSeconds })
        expect(headers['retry-after']).toMatch(/^([1-9]|[1-5]\d|60)$/)
        expect(headers['x-should-retry']).toBe(retryAfterSeconds > 60 ? 'false' : 'true')
      }),
    )
  })
})

test('termination_not_allowed names the host to use, if one is configured', () => {
  const messageOf = (error: GatewayError): string => toWire(error).body.error.message
  expect(messageOf({ reason: 'termination_not_allowed', host: 'eu.mesh.example.com' })).toBe(
    'This request arrived at a place where it may not be processed. Send it to eu.mesh.example.com.',
  )
  expect(messageOf({ reason: 'termination_not_allowed' })).toBe(
    'This request arrived at a place where it may not be processed.',
  )
})
