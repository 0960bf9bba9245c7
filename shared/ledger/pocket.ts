/**
 * The slices an isolate holds of one account. Requests take their reservations from them, and put back what they did not use;
 * of a slice whose time is over the rest goes back to the ledger. Whatever was granted is at any time either left in the
 * slice, reserved by a request in flight, or released: the ledger is told of what was released, and of nothing twice.
 */
import { LEASE_TTL_MS } from '../lease/lease.ts'
import { combine, covers, isNothing, minus, NOTHING, plus, type Amounts } from './amounts.ts'

export interface Slice {
  readonly id: string
  readonly granted: Amounts
  readonly left: Amounts
  readonly inFlight: number
  /** On the holder's clock, from when it asked. */
  readonly expiresAtMs: number
  /** Granted for one request: the limit is small, and what that does not use is not kept from others. */
  readonly isSingle: boolean
}

/** A request's part of a slice. */
export interface Reservation {
  readonly slice: string
  readonly need: Amounts
}

/** What of a slice is not held any more. */
export interface Release {
  readonly slice: string
  readonly amounts: Amounts
  /** Of it, what nobody used; negative where more was used than reserved. */
  readonly unused: Pick<Amounts, 'tokens' | 'requests'>
}

export type Pocket = readonly Slice[]

export const EMPTY_POCKET: Pocket = []

/** What was granted, to whom, and when it was asked for. */
export interface Granted {
  readonly id: string
  readonly granted: Amounts
  /** Of the request that asked. */
  readonly need: Amounts
  readonly askedAtMs: number
}

export function withSlice(pocket: Pocket, { id, granted, need, askedAtMs }: Granted): Pocket {
  const isSingle = !covers(granted, plus(need, need))
  const expiresAtMs = askedAtMs + LEASE_TTL_MS
  return [...pocket, { id, granted, left: granted, inFlight: 0, expiresAtMs, isSingle }]
}

/** Takes a reservation from a slice that is live and has it; undefined where none has. */
export function take(pocket: Pocket, need: Amounts, nowMs: number): [Pocket, Reservation] | undefined {
  const slice = pocket.find(({ left, expiresAtMs }) => nowMs < expiresAtMs && covers(left, need))
  if (slice === undefined) return undefined
  const lessened = { ...slice, left: minus(slice.left, need), inFlight: slice.inFlight + 1 }
  return [replaced(pocket, lessened), { slice: slice.id, need }]
}

/**
 * Ends a reservation with what was used of it. While the slice is live the rest goes back into it, and what was used beyond
 * the reservation comes out of it, as far as it goes.
 */
export function settle(
  pocket: Pocket,
  { slice: id, need }: Reservation,
  used: Amounts,
  nowMs: number,
): [Pocket, Release | undefined] {
  const slice = pocket.find((each) => each.id === id)
  if (slice === undefined) return [pocket, undefined]
  if (slice.isSingle || nowMs >= slice.expiresAtMs) {
    const ended = { ...slice, inFlight: slice.inFlight - 1 }
    return [replaced(pocket, ended), { slice: id, amounts: need, unused: unusedOf(minus(need, used)) }]
  }
  // More than was reserved and is left cannot be taken; it is settled all the same.
  const left = combine(plus(slice.left, minus(need, used)), NOTHING, Math.max)
  const amounts = minus(plus(slice.left, need), left)
  const uncovered = minus(amounts, used)
  const ended = { ...slice, left, inFlight: slice.inFlight - 1 }
  return [replaced(pocket, ended), { slice: id, amounts, unused: unusedOf(uncovered) }]
}

/** Gives back what is left in slices whose time is over, and in single ones whose request is. */
export function expire(pocket: Pocket, nowMs: number): [Pocket, readonly Release[]] {
  const isOver = (slice: Slice): boolean =>
    nowMs >= slice.expiresAtMs || (slice.isSingle && slice.inFlight === 0)
  const releases = pocket
    .filter((slice) => isOver(slice) && !isNothing(slice.left))
    .map(({ id, left }) => ({ slice: id, amounts: left, unused: unusedOf(left) }))
  const after = pocket
    .map((slice) => (isOver(slice) ? { ...slice, left: NOTHING } : slice))
    .filter((slice) => slice.inFlight > 0 || !isOver(slice))
  return [after, releases]
}

/** What an isolate can still give out. */
export function leftIn(pocket: Pocket, nowMs: number): Amounts {
  return pocket
    .filter(({ expiresAtMs }) => nowMs < expiresAtMs)
    .reduce<Amounts>((sum, { left }) => plus(sum, left), NOTHING)
}

/**
 * Whether the next slice should be asked for behind a request: the newest is half used, or half its time is over. Where the
 * limit is small nothing is held in advance.
 */
export function isRefillDue(pocket: Pocket, nowMs: number): boolean {
  const newest = pocket.at(-1)
  if (newest === undefined || newest.isSingle) return false
  const isHalfOver = nowMs >= newest.expiresAtMs - LEASE_TTL_MS / 2
  return isHalfOver || !covers(newest.left, halfOf(newest.granted))
}

/** When the next slice is over; undefined where none is held. */
export function nextExpiryMs(pocket: Pocket): number | undefined {
  const times = pocket.filter(({ left }) => !isNothing(left)).map(({ expiresAtMs }) => expiresAtMs)
  return times.length === 0 ? undefined : Math.min(...times)
}

function halfOf(amounts: Amounts): Amounts {
  return combine(amounts, NOTHING, (amount) => Math.floor(amount / 2))
}

function unusedOf({ tokens, requests }: Amounts): Release['unused'] {
  return { tokens, requests }
}

function replaced(pocket: Pocket, slice: Slice): Pocket {
  return pocket.map((each) => (each.id === slice.id ? slice : each))
}
