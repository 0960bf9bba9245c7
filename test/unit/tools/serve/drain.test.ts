import { expect, test } from 'vitest'
import { drain } from '../../../../tools/serve/drain.ts'

/** A workerd that ends when it is killed, or at a drain if nobody reads; time is what the test says it is. */
function aNode({ endsAt }: { endsAt: 'notice' | 'drain' | 'kill' }) {
  const steps: string[] = []
  const { promise: ended, resolve } = Promise.withResolvers<number | null>()
  const step = (name: string) => () => {
    steps.push(name)
    if (name === endsAt) resolve(0)
  }
  const never = new Promise<never>(() => undefined)
  return {
    steps,
    run: (hurry: Promise<unknown> = never, isFast = true) =>
      drain(
        { ended, drain: step('drain'), kill: step('kill') },
        {
          withdraw: step('withdraw'),
          noticeMs: 2000,
          drainMs: 30_000,
          hurry,
          wait(ms) {
            steps.push(`wait ${ms}`)
            // A wait loses against an end that came at once.
            return isFast ? new Promise((done) => setImmediate(done)) : never
          },
        },
      ),
  }
}

test('it is not ready first, takes no connections then, and ends when nobody reads', async () => {
  const node = aNode({ endsAt: 'drain' })
  expect(await node.run()).toBe(true)
  expect(node.steps).toEqual(['withdraw', 'wait 2000', 'drain', 'wait 30000'])
})

test('who reads for too long is cut off', async () => {
  const node = aNode({ endsAt: 'kill' })
  expect(await node.run()).toBe(false)
  expect(node.steps).toEqual(['withdraw', 'wait 2000', 'drain', 'wait 30000', 'kill'])
})

test('a second signal waits for nothing', async () => {
  const node = aNode({ endsAt: 'kill' })
  expect(await node.run(Promise.resolve(), false)).toBe(false)
  expect(node.steps.at(-1)).toBe('kill')
})
