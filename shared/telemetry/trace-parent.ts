/** Which trace a request belongs to: the client's, where it names one properly, else one of its own. */
import { fnv1a } from '../fingerprint/mix.ts'

export interface TraceIds {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits, of the request's own span. */
  readonly spanId: string
  /** Of the part of it that a pool took. */
  readonly poolSpanId: string
  /** The client's span. */
  readonly parentSpanId?: string
}

/** Trace Context, W3C Recommendation of 2021-11-23, §3.2: version, trace id, parent id, flags. */
const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/
const NO_TRACE = '0'.repeat(32)
const NO_SPAN = '0'.repeat(16)
const REQUEST_ID = /^req_([0-9a-f]{24})$/

/**
 * Without a proper `traceparent` the trace's id is made of the request's, so that who has one finds the other. Whether the
 * client wants the trace to be kept is not read: that is not the client's to say.
 * @param requestId as every response carries it
 * @param traceParent the header of that name, or null
 */
export function traceIdsOf(requestId: string, traceParent: string | null): TraceIds {
  const digits = REQUEST_ID.exec(requestId)?.[1] ?? digitsOf(requestId)
  const own = {
    traceId: hex32(fnv1a(requestId)) + digits,
    spanId: digits.slice(8),
    poolSpanId: digits.slice(0, 16),
  }
  const [, version, traceId, parentSpanId, more] = TRACE_PARENT.exec(traceParent ?? '') ?? []
  if (traceId === undefined || parentSpanId === undefined || traceId === NO_TRACE || parentSpanId === NO_SPAN)
    return own
  // Later versions may say more behind it; ff is none, and this one ends here.
  if (version === 'ff' || (version === '00' && more !== undefined)) return own
  return { ...own, traceId, parentSpanId }
}

/**
 * Whether a trace is among those of which a share is kept. Everybody who goes by the same rule keeps the same ones: random
 * are the last 56 bits of an id (Trace Context Level 2, §2.2), of which a number can hold the first 52.
 */
export function isSampled(traceId: string, share: number): boolean {
  return Number.parseInt(traceId.slice(18, 31), 16) >= (1 - share) * 2 ** 52
}

function digitsOf(text: string): string {
  return [1, 2, 3].map((salt) => hex32(fnv1a(`${salt}${text}`))).join('')
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
