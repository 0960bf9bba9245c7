import { describe, expect, test } from 'vitest'
import type { LlamaSequence } from '../../../../tools/real-engine/llama.ts'
import { createSlots, type Lease } from '../../../../tools/real-engine/slots.ts'

const stays = new AbortController().signal

/** A sequence that holds these tokens, and does nothing. */
function holding(...tokens: number[]): LlamaSequence {
  return {
    nextTokenIndex: tokens.length,
    compareContextTokens: (other) => {
      const index = tokens.findIndex((token, at) => token !== other[at])
      return { firstDifferentIndex: index < 0 ? tokens.length : index }
    },
    adaptStateToTokens: () => Promise.resolve(),
    evaluateWithoutGeneratingNewTokens: () => Promise.resolve(),
    evaluate: async function* none() {},
  }
}

async function taken(lease: Promise<Lease | undefined>): Promise<Lease> {
  const found = await lease
  if (found === undefined) throw new Error('no slot')
  return found
}

describe('slots', () => {
  test('give a prompt the sequence that holds most of it', async () => {
    const [cold, warm, warmest] = [holding(), holding(1, 2, 9), holding(1, 2, 3)]
    const slots = createSlots([cold, warm, warmest])
    const prompt = [1, 2, 3, 4]
    expect((await taken(slots.take(prompt, stays))).sequence).toBe(warmest)
    expect((await taken(slots.take(prompt, stays))).sequence).toBe(warm)
    expect(slots.running()).toBe(2)
  })

  test('give a prompt that none holds a tenth of the one that was left alone longest', async () => {
    const [used, idle] = [holding(1), holding()]
    const slots = createSlots([used, idle])
    const first = await taken(slots.take([1, 2], stays))
    expect(first.sequence).toBe(used)
    first.release()
    expect((await taken(slots.take([1, ...Array(10).fill(5)], stays))).sequence).toBe(idle)
  })

  test('are given first come, first served', async () => {
    const slots = createSlots([holding()])
    const first = await taken(slots.take([1], stays))
    const order: number[] = []
    const waiting = [2, 3].map(async (number) => {
      const lease = await taken(slots.take([number], stays))
      order.push(number)
      lease.release()
    })
    first.release()
    await Promise.all(waiting)
    expect(order).toEqual([2, 3])
    expect(slots.running()).toBe(0)
  })

  test('are not given to who has left', async () => {
    const slots = createSlots([holding()])
    const leaving = new AbortController()
    const first = await taken(slots.take([1], stays))
    const waiting = slots.take([2], leaving.signal)
    leaving.abort()
    expect(await waiting).toBeUndefined()
    expect(await slots.take([3], leaving.signal)).toBeUndefined()
    first.release()
    expect(slots.running()).toBe(0)
  })
})
