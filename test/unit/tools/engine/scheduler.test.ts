import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createScheduler } from '../../../../tools/local/engine/scheduler.ts'
import { settle } from './fake-clock.ts'

const never = new AbortController().signal

describe('the scheduler', () => {
  test('runs as many as it may, and the others in the order in which they came', async () => {
    const scheduler = createScheduler({ maxNumSeqs: 2, maxWaitingQueueLength: 10 })
    const started: number[] = []
    const tickets = [0, 1, 2, 3].map((number) => {
      const ticket = scheduler.enter(never)
      void ticket?.turn.then(() => started.push(number))
      return ticket
    })
    await settle()
    expect(started).toEqual([0, 1])
    tickets[1]?.leave()
    await settle()
    expect(started).toEqual([0, 1, 2])
    tickets[0]?.leave()
    await settle()
    expect(started).toEqual([0, 1, 2, 3])
  })

  test('refuses what the queue has no room for, and accepts again once there is', () => {
    const scheduler = createScheduler({ maxNumSeqs: 1, maxWaitingQueueLength: 1 })
    const running = scheduler.enter(never)
    expect(scheduler.enter(never)).toBeDefined()
    expect(scheduler.enter(never)).toBeUndefined()
    running?.leave()
    expect(scheduler.enter(never)).toBeDefined()
  })

  test('takes whoever leaves out of the middle of the queue at once', async () => {
    const scheduler = createScheduler({ maxNumSeqs: 1, maxWaitingQueueLength: 10 })
    const controller = new AbortController()
    const first = scheduler.enter(never)
    const second = scheduler.enter(controller.signal)
    const third = scheduler.enter(never)
    controller.abort()
    expect(scheduler.waiting()).toBe(1)
    expect(await second?.turn).toBe(false)
    first?.leave()
    expect(await third?.turn).toBe(true)
    expect(scheduler.running()).toBe(1)
  })

  test('counts a place once, however often it is given up', () => {
    const scheduler = createScheduler({ maxNumSeqs: 2, maxWaitingQueueLength: 10 })
    const first = scheduler.enter(never)
    scheduler.enter(never)
    first?.leave()
    first?.leave()
    expect(scheduler.running()).toBe(1)
  })

  test('gives a request all its places at once, and takes them back one by one', async () => {
    const scheduler = createScheduler({ maxNumSeqs: 4, maxWaitingQueueLength: 10 })
    const first = scheduler.enter(never, 3)
    const second = scheduler.enter(never, 2)
    // One place is free and would do for it, but it came later.
    const third = scheduler.enter(never, 1)
    expect([scheduler.running(), scheduler.waiting()]).toEqual([3, 2])
    first?.keep(2)
    expect(await second?.turn).toBe(true)
    expect([scheduler.running(), scheduler.waiting()]).toEqual([4, 1])
    first?.keep(2)
    first?.keep(1)
    expect(await third?.turn).toBe(true)
    expect(scheduler.running()).toBe(4)
    first?.leave()
    first?.keep(1)
    second?.leave()
    third?.leave()
    expect(scheduler.running()).toBe(0)
  })

  test('runs a request for more places than there are in all of them', async () => {
    const scheduler = createScheduler({ maxNumSeqs: 2, maxWaitingQueueLength: 10 })
    const ticket = scheduler.enter(never, 8)
    expect(await ticket?.turn).toBe(true)
    expect(scheduler.running()).toBe(2)
    ticket?.keep(5)
    expect(scheduler.running()).toBe(2)
    ticket?.leave()
    expect(scheduler.running()).toBe(0)
  })

  test('lets those behind go on when the large request before them leaves the queue', async () => {
    const scheduler = createScheduler({ maxNumSeqs: 2, maxWaitingQueueLength: 10 })
    const controller = new AbortController()
    scheduler.enter(never)
    const large = scheduler.enter(controller.signal, 2)
    const small = scheduler.enter(never)
    expect(scheduler.waiting()).toBe(2)
    controller.abort()
    expect(await large?.turn).toBe(false)
    expect(await small?.turn).toBe(true)
  })

  test('never runs more than it may, leaves no one waiting beside a free place, and loses none', () => {
    const moves = fc.array(fc.record({ kind: fc.constantFrom('enter', 'leave', 'abort'), at: fc.nat() }))
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 3 }), (steps, maxNumSeqs) => {
        const scheduler = createScheduler({ maxNumSeqs, maxWaitingQueueLength: 3 })
        const present: { leave(): void }[] = []
        for (const { kind, at } of steps) {
          if (kind === 'enter') {
            const controller = new AbortController()
            const ticket = scheduler.enter(controller.signal)
            const leave = at % 2 === 0 ? () => controller.abort() : () => ticket?.leave()
            // An abort does not free a place that runs: the generation does, when it notices.
            if (ticket !== undefined) present.push({ leave: () => (leave(), ticket.leave()) })
          } else {
            present.splice(at % Math.max(1, present.length), 1)[0]?.leave()
          }
          expect(scheduler.running()).toBe(Math.min(maxNumSeqs, present.length))
          expect(scheduler.waiting()).toBe(Math.max(0, present.length - maxNumSeqs))
        }
      }),
    )
  })
})
