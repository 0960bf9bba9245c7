import { describe, expect, test } from 'vitest'
import { createFaultBox, parseFaults } from '../../../../tools/local/engine/faults.ts'

describe('the faults', () => {
  test('touch every generation until they are cleared', () => {
    const box = createFaultBox(() => 0)
    box.set({ status: 503 })
    expect([box.take(), box.take(), box.take()]).toEqual([{ status: 503 }, { status: 503 }, { status: 503 }])
    box.clear()
    expect(box.take()).toEqual({})
  })

  test('touch as many generations as was said, and then none', () => {
    const box = createFaultBox(() => 0)
    box.set({ die_after_tokens: 5, slow_factor: 2, times: 2 })
    const fault = { die_after_tokens: 5, slow_factor: 2 }
    expect([box.take(), box.take(), box.take()]).toEqual([fault, fault, {}])
    expect(box.current()).toEqual({})
  })

  test('give the status at its rate, and count only those it touched', () => {
    const draws = [0.9, 0.1, 0.9, 0.2, 0.1]
    const box = createFaultBox(() => draws.shift() ?? 1)
    box.set({ status: 500, status_rate: 0.5, times: 2 })
    expect(Array.from({ length: 5 }, () => box.take())).toEqual([
      {},
      { status: 500 },
      {},
      { status: 500 },
      {},
    ])
  })

  test('end being down after as many refusals as was said', () => {
    const box = createFaultBox(() => 0)
    box.set({ down: true, times: 2 })
    box.countDown()
    expect(box.isDown()).toBe(true)
    box.countDown()
    expect(box.isDown()).toBe(false)
  })

  test.each([
    [{ die_after_tokens: 0 }],
    [{ status: 429, status_rate: 0.25, times: 3 }],
    [{ down: true, redirect_to: 'http://example.com/v1', slow_factor: 0.5, stall_after_tokens: 4 }],
    [{}],
  ])('can be %j', (faults) => {
    expect(parseFaults(faults)).toEqual(faults)
  })

  test.each([
    ['null', null],
    ['an array', []],
    ['an unknown fault', { die: 1 }],
    ['a negative count', { die_after_tokens: -1 }],
    ['a status that is none', { status: 200 }],
    ['a rate above one', { status_rate: 2 }],
    ['no slowness at all', { slow_factor: 0 }],
    ['a relative URL', { redirect_to: '/elsewhere' }],
    ['a text for a flag', { down: 'true' }],
  ])('cannot be %s', (_, faults) => {
    expect(typeof parseFaults(faults)).toBe('string')
  })
})
