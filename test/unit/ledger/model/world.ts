/**
 * A ledger and several isolates, by the functions that the product runs, with what can go wrong between them: answers that are
 * lost, batches that arrive twice or late, isolates that end. Money only; the other amounts go the same way.
 */
import { decideDraw, freshState } from '../../../../shared/ledger/draw.ts'
import { combine, minus, NOTHING, timesAmounts, type Amounts } from '../../../../shared/ledger/amounts.ts'
import {
  acknowledged,
  EMPTY_OUTBOX,
  seal,
  withNews,
  type Batch,
  type Outbox,
} from '../../../../shared/ledger/batch.ts'
import {
  EMPTY_POCKET,
  expire,
  settle,
  take,
  withSlice,
  type Pocket,
  type Reservation,
} from '../../../../shared/ledger/pocket.ts'
import type { Terms } from '../../../../shared/ledger/terms.ts'
import { NO_USAGE } from '../../../../shared/ledger/usage.ts'

export interface Isolate {
  pocket: Pocket
  outbox: Outbox
  inFlight: { reservation: Reservation; costs: number }[]
  /** What its requests that have ended cost, and the ledger has not acknowledged. */
  unsettled: number
}

export interface World {
  nowMs: number
  readonly terms: Terms
  spent: number
  readonly slices: Map<string, Amounts>
  readonly known: Set<string>
  readonly isolates: Isolate[]
  /** What all requests that have ended cost, whoever knows of it. */
  recorded: number
  /** Of isolates that ended before they could tell. */
  lost: number
  served: number
  /** The largest reservation, and what requests cost beyond theirs. */
  largest: number
  beyond: number
  count: number
}

export function aWorld(budget: number, isolates: number): World {
  return {
    nowMs: 0,
    terms: { budget: { period: 'total', microdollars: budget } },
    spent: 0,
    slices: new Map(),
    known: new Set(),
    isolates: Array.from({ length: isolates }, anIsolate),
    recorded: 0,
    lost: 0,
    served: 0,
    largest: 0,
    beyond: 0,
    count: 0,
  }
}

export function outstanding(world: World): number {
  return [...world.slices.values()].reduce((sum, { microdollars }) => sum + microdollars, 0)
}

/** Begins a request: from a slice, or from the ledger, whose answer may be lost on its way. */
export function begin(
  world: World,
  isolate: Isolate,
  request: { need: number; costs: number; isLost: boolean },
): void {
  const need: Amounts = { microdollars: request.need, tokens: 1, requests: 1, places: 1 }
  isolate.pocket = expired(world, isolate)
  const taken = take(isolate.pocket, need, world.nowMs) ?? drawn(world, isolate, need, request.isLost)
  if (taken === undefined) return
  isolate.pocket = taken[0]
  isolate.inFlight.push({ reservation: taken[1], costs: request.costs })
  world.largest = Math.max(world.largest, request.need)
}

/** Ends the oldest request in flight. */
export function end(world: World, isolate: Isolate): void {
  const request = isolate.inFlight.shift()
  if (request === undefined) return
  const { reservation, costs } = request
  const used = { microdollars: costs, tokens: 1, requests: 1, places: 0 }
  const [pocket, release] = settle(isolate.pocket, reservation, used, world.nowMs)
  isolate.pocket = pocket
  const entry = {
    model: 'm',
    pool: 'p',
    key: 'k',
    kind: 'completed',
    ...NO_USAGE,
    requests: 1,
    microdollars: costs,
  }
  isolate.outbox = withNews(isolate.outbox, {
    entries: [entry],
    releases: release === undefined ? [] : [release],
  })
  isolate.unsettled += costs
  world.recorded += costs
  world.served += 1
  world.beyond += Math.max(0, costs - reservation.need.microdollars)
}

/** Sends everything; each batch may be done and not acknowledged, or not arrive. */
export function flush(world: World, isolate: Isolate, fate: 'arrives' | 'unacknowledged' | 'lost'): void {
  isolate.pocket = expired(world, isolate)
  isolate.outbox = seal(isolate.outbox, `batch-${(world.count += 1)}`)
  if (fate === 'lost') return
  for (const batch of isolate.outbox.sealed) {
    apply(world, batch)
    if (fate === 'unacknowledged') continue
    isolate.outbox = acknowledged(isolate.outbox, batch.id)
    isolate.unsettled -= batch.entries.reduce((sum, { microdollars }) => sum + microdollars, 0)
  }
}

/** An isolate ends. What the ledger has not heard from it, it never will. */
export function lose(world: World, at: number): void {
  const isolate = world.isolates[at]
  if (isolate === undefined) return
  // What was done, though not acknowledged, was heard.
  const heard = isolate.outbox.sealed
    .filter(({ id }) => world.known.has(id))
    .flatMap(({ entries }) => entries)
    .reduce((sum, { microdollars }) => sum + microdollars, 0)
  world.lost += isolate.unsettled - heard
  world.isolates[at] = anIsolate()
}

function anIsolate(): Isolate {
  return { pocket: EMPTY_POCKET, outbox: EMPTY_OUTBOX, inFlight: [], unsettled: 0 }
}

function expired(world: World, isolate: Isolate): Pocket {
  const [pocket, releases] = expire(isolate.pocket, world.nowMs)
  isolate.outbox = withNews(isolate.outbox, { releases })
  return pocket
}

function drawn(world: World, isolate: Isolate, need: Amounts, isLost: boolean) {
  const id = `slice-${(world.count += 1)}`
  const state = {
    ...freshState(world.terms, world.nowMs),
    spent: { microdollars: world.spent, tokens: 0 },
    outstanding: { ...NOTHING, microdollars: outstanding(world) },
  }
  const draw = decideDraw(world.terms, state, { need, want: timesAmounts(need, 4) }, world.nowMs)
  if (draw.kind === 'refused') return undefined
  world.slices.set(id, draw.granted)
  world.largest = Math.max(world.largest, need.microdollars)
  if (isLost) {
    isolate.outbox = withNews(isolate.outbox, { voids: [id] })
    return undefined
  }
  isolate.pocket = withSlice(isolate.pocket, { id, granted: draw.granted, need, askedAtMs: world.nowMs })
  return take(isolate.pocket, need, world.nowMs)
}

function apply(world: World, batch: Batch): void {
  if (world.known.has(batch.id)) return
  world.known.add(batch.id)
  for (const { microdollars } of batch.entries) world.spent += microdollars
  for (const { slice, amounts } of batch.releases) {
    const held = world.slices.get(slice) ?? NOTHING
    world.slices.set(slice, combine(minus(held, amounts), NOTHING, Math.max))
  }
  for (const slice of batch.voids) world.slices.delete(slice)
}
