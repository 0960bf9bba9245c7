/** An isolate's slices: what requests take of them and put back, and what goes back to the ledger. */
import { expect, test } from 'vitest'
import {
  expire,
  isRefillDue,
  leftIn,
  settle,
  take,
  withSlice,
  type Pocket,
} from '../../../shared/ledger/pocket.ts'

const NEED = { microdollars: 10, tokens: 100, requests: 1, places: 1 }
const GRANTED = { microdollars: 80, tokens: 800, requests: 8, places: 8 }
const USED = { microdollars: 4, tokens: 40, requests: 1, places: 0 }

function held(granted = GRANTED): Pocket {
  return withSlice([], { id: 's1', granted, need: NEED, askedAtMs: 0 })
}

function taken(pocket: Pocket, nowMs = 0) {
  const both = take(pocket, NEED, nowMs)
  if (both === undefined) throw new Error('nothing was taken')
  return both
}

test('what a request does not use goes back into a live slice, and what it used is released', () => {
  const [pocket, reservation] = taken(held())
  expect(leftIn(pocket, 0)).toEqual({ microdollars: 70, tokens: 700, requests: 7, places: 7 })
  const [after, release] = settle(pocket, reservation, USED, 1000)
  expect(leftIn(after, 1000)).toEqual({ microdollars: 76, tokens: 760, requests: 7, places: 8 })
  expect(release).toEqual({
    slice: 's1',
    amounts: { microdollars: 4, tokens: 40, requests: 1, places: 0 },
    unused: { tokens: 0, requests: 0 },
  })
})

test('what is used beyond a reservation comes out of the slice, as far as it goes', () => {
  const [pocket, reservation] = taken(held())
  const [after, release] = settle(pocket, reservation, { ...USED, microdollars: 200, tokens: 900 }, 1000)
  expect(leftIn(after, 1000)).toEqual({ microdollars: 0, tokens: 0, requests: 7, places: 8 })
  expect(release).toEqual({
    slice: 's1',
    amounts: { microdollars: 80, tokens: 800, requests: 1, places: 0 },
    unused: { tokens: -100, requests: 0 },
  })
})

test('of a slice whose time is over the rest is given back at once, and each reservation when it ends', () => {
  const [pocket, reservation] = taken(held())
  expect(take(pocket, NEED, 5000)).toBeUndefined()
  const [over, releases] = expire(pocket, 5000)
  expect(releases).toEqual([
    {
      slice: 's1',
      amounts: { microdollars: 70, tokens: 700, requests: 7, places: 7 },
      unused: { tokens: 700, requests: 7 },
    },
  ])
  const [after, release] = settle(over, reservation, USED, 60_000)
  expect(release).toEqual({ slice: 's1', amounts: NEED, unused: { tokens: 60, requests: 0 } })
  expect(expire(after, 60_000)).toEqual([[], []])
})

test('a slice for one request is not kept when that is over', () => {
  const [pocket, reservation] = taken(held({ ...GRANTED, microdollars: 15 }))
  const [after, release] = settle(pocket, reservation, USED, 10)
  expect(release?.amounts).toEqual(NEED)
  const [, releases] = expire(after, 10)
  expect(releases).toEqual([
    {
      slice: 's1',
      amounts: { microdollars: 5, tokens: 700, requests: 7, places: 7 },
      unused: { tokens: 700, requests: 7 },
    },
  ])
})

test('a slice is asked for in advance when half is used or half its time is over, but not where limits are small', () => {
  expect(isRefillDue(held(), 0)).toBe(false)
  expect(isRefillDue(held(), 2500)).toBe(true)
  const used = [1, 2, 3, 4, 5].reduce((pocket) => taken(pocket)[0], held())
  expect(isRefillDue(used, 0)).toBe(true)
  expect(isRefillDue(held({ ...GRANTED, requests: 1 }), 2500)).toBe(false)
  expect(isRefillDue([], 0)).toBe(false)
})
