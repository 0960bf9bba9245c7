/** Logs are in memory as long as there is room, and always while they are made or read. */
import { describe, expect, test, vi } from 'vitest'
import type { Generation } from '../../../../workers/objects/generation.ts'
import { createLogSlots, type LogSlots } from '../../../../workers/objects/log-slots.ts'

const MEBIBYTE = 1024 * 1024

/** Of a generation, slots need its size, whether it is made, and whether it is read. */
function aTake(about: { size?: number; isIdle?: boolean; readers?: number } = {}): Generation {
  const { size = 100, isIdle = true, readers = 0 } = about
  const readerSet = new Set(Array.from({ length: readers }, () => ({})))
  return { log: { size }, size, isIdle, readers: readerSet } as unknown as Generation
}

const nothing = (): Promise<undefined> => Promise.resolve(undefined)

/** Puts a take under a name, as if it was in the database. */
async function put(slots: LogSlots, name: string, take = aTake()) {
  return slots.open(name, () => Promise.resolve(take))
}

const isThere = (slots: LogSlots, name: string): boolean => slots.peek(name) !== undefined

test('what is in the database is loaded once, also by two who ask at once', async () => {
  const slots = createLogSlots()
  const load = vi.fn(() => Promise.resolve(aTake()))
  const [one, two] = await Promise.all([slots.open('a', load), slots.open('a', load)])
  expect(two).toBe(one)
  expect(one.takes).toHaveLength(1)
  await slots.open('a', load)
  expect(load).toHaveBeenCalledTimes(1)
})

test('nobody gets a slot before what is kept of it is there', async () => {
  const slots = createLogSlots()
  const loaded = Promise.withResolvers<Generation>()
  const order: string[] = []
  const first = slots.open('a', () => loaded.promise).then(({ takes }) => order.push(`one ${takes.length}`))
  const second = slots.open('a', nothing).then(({ takes }) => order.push(`two ${takes.length}`))
  await Promise.resolve()
  expect(order).toEqual([])
  loaded.resolve(aTake())
  await Promise.all([first, second])
  expect(order).toEqual(['one 1', 'two 1'])
})

describe('takes of one fingerprint', () => {
  test('are there newest first', async () => {
    const slots = createLogSlots()
    const [old, young] = [aTake(), aTake()]
    const slot = await put(slots, 'a', old)
    slot.add(young)
    expect(slot.takes).toEqual([young, old])
    slot.remove(young)
    expect(slot.takes).toEqual([old])
  })

  test('that are replaced are gone, but for those that are made or read', async () => {
    const slots = createLogSlots()
    const [idle, made, read, next] = [
      aTake(),
      aTake({ isIdle: false }),
      aTake({ readers: 1 }),
      aTake({ isIdle: false }),
    ]
    const slot = await put(slots, 'a', idle)
    for (const take of [made, read, next]) slot.add(take)
    slot.replaceBy(next)
    expect(slot.takes).toEqual([next, read, made])
  })
})

describe('when there is no room', () => {
  test('what was not used for longest is forgotten first', async () => {
    const slots = createLogSlots()
    for (const name of ['a', 'b', 'c']) await put(slots, name, aTake({ size: 3 * MEBIBYTE }))
    // Eight is the bound, and three times three is more.
    expect(['a', 'b', 'c'].map((name) => isThere(slots, name))).toEqual([false, true, true])
    await slots.open('b', nothing)
    await put(slots, 'd', aTake({ size: 3 * MEBIBYTE }))
    expect(['b', 'c', 'd'].map((name) => isThere(slots, name))).toEqual([true, false, true])
  })

  test('what is being made or read stays, and does not push out what is not', async () => {
    const slots = createLogSlots()
    await put(slots, 'made', aTake({ size: 20 * MEBIBYTE, isIdle: false }))
    await put(slots, 'small', aTake({ size: MEBIBYTE }))
    await put(slots, 'read', aTake({ size: 9 * MEBIBYTE, readers: 1 }))
    await put(slots, 'other', aTake())
    expect(isThere(slots, 'made')).toBe(true)
    expect(isThere(slots, 'read')).toBe(true)
    // Nine are read, and nothing that may go makes that less.
    expect(isThere(slots, 'small')).toBe(false)
  })

  test('a slot is kept whole, if one of its takes is needed', async () => {
    const slots = createLogSlots()
    const slot = await put(slots, 'a', aTake({ size: 9 * MEBIBYTE }))
    expect(slot.takes).toHaveLength(1)
    const again = await put(slots, 'a')
    again.add(aTake({ isIdle: false }))
    await put(slots, 'b', aTake({ size: 9 * MEBIBYTE, readers: 1 }))
    expect(isThere(slots, 'a')).toBe(true)
  })

  test('of names, empty ones are forgotten too', async () => {
    const slots = createLogSlots()
    for (let index = 0; index < 4200; index += 1) await slots.open(`name ${index}`, nothing)
    expect(isThere(slots, 'name 0')).toBe(false)
    expect(isThere(slots, 'name 103')).toBe(false)
    expect(isThere(slots, 'name 104')).toBe(true)
    expect(isThere(slots, 'name 4199')).toBe(true)
  })
})

test('the size of what is open is that of what is being made', async () => {
  const slots = createLogSlots()
  await put(slots, 'a', aTake({ size: 5 }))
  const slot = await put(slots, 'b', aTake({ size: 7, isIdle: false }))
  slot.add(aTake({ size: 11, isIdle: false }))
  expect(slots.openSize()).toBe(18)
})
